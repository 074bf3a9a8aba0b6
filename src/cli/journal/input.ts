/** The input of `whereabouts journal import`: a file of any kind, or standard input. */
import { type FileHandle, open } from "node:fs/promises";
import { isatty } from "node:tty";
import { errorText } from "../errors.ts";

const STDIN = 0;

/** The input cannot be read. The message is a line for the user. */
export class JournalInputError extends Error {
  override readonly name = "JournalInputError";
}

export class Input {
  /** For messages: `the file NAME`, or `standard input`. */
  readonly name: string;
  /** Whether the input is a terminal, so a person types it. */
  readonly typed: boolean;
  readonly #file: FileHandle | undefined;

  private constructor(name: string, file: FileHandle | undefined) {
    this.name = name;
    this.#file = file;
    this.typed = isatty(file?.fd ?? STDIN);
  }

  /**
   * @param file - the name of a regular file, a pipe or a device; `-` for standard input
   * @throws {JournalInputError} if the file cannot be opened, or is a folder
   */
  static async open(file: string): Promise<Input> {
    if (file === "-") return new Input("standard input", undefined);
    let handle: FileHandle;
    try {
      handle = await open(file, "r");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") {
        throw new JournalInputError(`there is no file ${file}: check its name, or give "-" to read standard input`);
      }
      throw unreadable(`the file ${file}`, error as Error);
    }
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new JournalInputError(
        `${file} is a folder: give a file in it that "whereabouts journal export" has written`,
      );
    }
    return new Input(`the file ${file}`, handle);
  }

  /** The content. It can be read only once. @throws {JournalInputError} if reading fails */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // Not Bun.file().stream(): it uses epoll, which fails with EPERM for a device like /dev/null.
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

function unreadable(name: string, error: Error): JournalInputError {
  return new JournalInputError(`${name} cannot be read: ${errorText(error)}`, { cause: error });
}
