#!/usr/bin/env bun
/** The command line under Bun, with all commands. */
import { COMMANDS } from "./commands.ts";
import { runProgram } from "./program.ts";

await runProgram(COMMANDS);
