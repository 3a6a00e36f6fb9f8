/** How a command ends when it cannot go on: one line (what, why, what to do) and an exit code of the contract. */

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** The machine lacks something: no TUN, no right. */
export const EXIT_MACHINE = 3;
export const EXIT_TIMEOUT = 4;

export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, line: string) {
    super(line);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
  }
}

export function usage(line: string): CommandFailure {
  return new CommandFailure(EXIT_USAGE, line);
}
