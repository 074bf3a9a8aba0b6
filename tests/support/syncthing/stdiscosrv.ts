/** Whether Syncthing's own discovery server, stdiscosrv, is on this machine. */

/** The reason that `testIf` gives when it skips a test. */
export const NEEDS_STDISCOSRV = "needs stdiscosrv";
export const hasStdiscosrv: boolean = Bun.which("stdiscosrv") !== null;
