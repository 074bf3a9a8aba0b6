/**
 * The key under which readers and writers keep their state. Types use it to read from a reader and to write to a writer;
 * programs cannot, since the package does not export it.
 */
export const STATE: unique symbol = Symbol("state");
