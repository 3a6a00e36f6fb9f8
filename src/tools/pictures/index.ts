/** What other tools may take of pictures. */
export { bundle } from "./bundle.ts";
export { n, text } from "./svg-frame.ts";
