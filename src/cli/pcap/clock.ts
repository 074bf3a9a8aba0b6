/** The times of a capture as text, with all their digits. */

/** The time in ISO 8601, in UTC; `null` if the frame has none, or one that no calendar has. */
export type Clock = (high: number, low: number) => string | null;

/** For frames without a time. */
export const NO_TIME: Clock = () => null;

/** For times in seconds and a fraction. @param digits - of the fraction: 6 for microseconds, 9 for nanoseconds */
export function secondsClock(digits: number): Clock {
  const unit = 10 ** digits;
  return (seconds, fraction) =>
    isoTime(BigInt(seconds + Math.floor(fraction / unit)), `${fraction % unit}`.padStart(digits, "0"));
}

/**
 * For times that are a 64-bit number of units.
 *
 * @param resolution - the option if_tsresol: the units are 10 to the power of minus this, or 2 if its highest bit is set
 * @param offset - the option if_tsoffset: seconds to add
 */
export function unitsClock(resolution: number, offset: bigint): Clock {
  const exponent = resolution & 0x7f;
  const isBinary = resolution > 0x7f;
  const digits = isBinary ? Math.ceil(exponent * Math.log10(2)) : exponent;
  const unit = (isBinary ? 2n : 10n) ** BigInt(exponent);
  const scale = 10n ** BigInt(digits);
  return (high, low) => {
    const units = (BigInt(high) << 32n) | BigInt(low);
    const fraction = ((units % unit) * scale) / unit;
    return isoTime(units / unit + offset, digits === 0 ? "" : `${fraction}`.padStart(digits, "0"));
  };
}

function isoTime(seconds: bigint, fraction: string): string | null {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  return date.toISOString().replace(".000Z", fraction === "" ? "Z" : `.${fraction}Z`);
}
