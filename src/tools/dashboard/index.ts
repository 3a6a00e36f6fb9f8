/** What the command may know of the dashboard. */
export { type Dashboard, type NetLike, serveDashboard, type Watched } from "./server.ts";
