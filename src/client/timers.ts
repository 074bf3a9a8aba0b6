/** The longest delay of a JavaScript timer; a longer one fires at once. For a later deadline, the timer is set again when it fires. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
