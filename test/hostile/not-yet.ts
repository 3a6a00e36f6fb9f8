/** Rows that the stack does not meet yet, and why. Only to get shorter: a row in here that passes fails its test. */
export const NOT_YET: Readonly<Record<string, string>> = {
  H053: "RSTs for nobody's segments are not limited",
  H080: "tcp_mem has no effect: nothing is ended when the cap of all buffers is reached",
  H087: "a connection in TIME-WAIT costs more than 512 bytes",
  H088: "tcp_mem has no effect: no cap of all buffers",
};
