/** The input of `whereabouts journal import`: a file of any kind, or standard input. */
import { type FileHandle, open } from "node:fs/promises";
import { isatty } from "node:tty";
import { errorText } from "../errors.ts";

const STDIN = 0;

/** The input cannot be read. The message is a line for the user. */
export class InputError extends Error {
  override readonly name = "InputError";
}

export class Input {
  /** For messages: `the file NAME`, or `standard input`. */
  readonly name: string;
  /** Whether a person types the input. */
  readonly typed: boolean;
  readonly #file: FileHandle | undefined;

  private constructor(name: string, file: FileHandle | undefined) {
    this.name = name;
    this.#file = file;
    this.typed = isatty(file?.fd ?? STDIN);
  }

  /**
   * @param file - the name of a regular file, a pipe or a device; `-` for standard input
   * @throws {InputError} if the file cannot be opened, or is a folder
   */
  static async open(file: string): Promise<Input> {
    if (file === "-") return new Input("standard input", undefined);
    let handle: FileHandle;
    try {
      handle = await open(file, "r");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") {
        throw new InputError(`there is no file ${file}: check its name, or give "-" to read standard input`);
      }
      throw unreadable(`the file ${file}`, error as Error);
    }
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new InputError(`${file} is a folder: give a file in it that "whereabouts journal export" has written`);
    }
    return new Input(`the file ${file}`, handle);
  }

  /** The content, to be read once. @throws {InputError} if reading fails */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // Streams of Bun.file() would wait for a device like /dev/null with epoll, which refuses it.
    const stream: AsyncIterable<Uint8Array> = this.#file?.createReadStream() ?? Bun.stdin.stream();
    try {
      yield* stream;
    } catch (error) {
      throw unreadable(this.name, error as Error);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

function unreadable(name: string, error: Error): InputError {
  return new InputError(`${name} cannot be read: ${errorText(error)}`, { cause: error });
}
