/** What other pages may take of this one. */
export {
  formatTick,
  formatValue,
  niceStep,
  scaleFor,
  ticks,
  timeScale,
  valueRange,
} from "../ticks.ts";
