/** What is wrong with something of the user's that was to be loaded, in one line that begins with its name. */
export class LoadError extends Error {
  constructor(line: string) {
    super(line);
    this.name = "LoadError";
  }
}
