/** Rows that the stack does not meet yet, and why. Only to get shorter: a row in here that passes fails its test. */
export const NOT_YET: Readonly<Record<string, string>> = {
  H053: "RSTs for nobody's segments are not limited",
  H080: "at the cap of all buffers nothing is ended that a user holds, however long its peer takes nothing",
  H087: "a connection in TIME-WAIT costs more than 512 bytes",
};
