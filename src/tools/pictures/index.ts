/** What other tools may take of pictures. */
export { n, text } from "./svg-frame.ts";
