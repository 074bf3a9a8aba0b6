/** Datagrams as text: a line for each sample. */
import * as sflow from "./generated/sflow.ts";
import { COUNTER_RECORDS, FLOW_RECORDS, LENIENT, showAddress, showFormat } from "./records.ts";

/** The fault of a datagram, a sample or a record. Its offset counts from the start of that part. */
type Problem = Exclude<sflow.DecodeResult<unknown>, { ok: true }>;

/** The lines of a datagram. Samples and records of unknown formats are named only; damaged ones are told with their place. */
export function* showDatagram(bytes: Uint8Array): Generator<string> {
  const result = sflow.sample_datagram.tryDecode(bytes, LENIENT);
  if (!result.ok) {
    yield `damaged datagram: ${showProblem(result)}`;
    return;
  }
  const { agent_address, samples } = result.value.version.datagram;
  const agent = showAddress(agent_address);
  for (const { sample_type, sample_data } of samples) {
    yield `${agent} ${showSample(sample_type, sample_data)}`;
  }
}

function showSample(format: number, data: Uint8Array): string {
  const damaged = (problem: Problem) => `damaged sample of format ${showFormat(format)}: ${showProblem(problem)}`;
  switch (format) {
    case 1:
    case 3: {
      const result =
        format === 1 ? sflow.flow_sample.tryDecode(data, LENIENT) : sflow.flow_sample_expanded.tryDecode(data, LENIENT);
      if (!result.ok) return damaged(result);
      const { sequence_number, sampling_rate, input, output, flow_records } = result.value;
      const records = flow_records.map(({ flow_format, flow_data }) =>
        showRecord(FLOW_RECORDS, flow_format, flow_data),
      );
      const way = `interface ${showInterface(input)} > ${showInterface(output)}`;
      return [`flow ${sequence_number}: 1 of ${sampling_rate}`, way, ...records].join(", ");
    }
    case 2:
    case 4: {
      const result =
        format === 2
          ? sflow.counters_sample.tryDecode(data, LENIENT)
          : sflow.counters_sample_expanded.tryDecode(data, LENIENT);
      if (!result.ok) return damaged(result);
      const records = result.value.counters.map(({ counter_format, counter_data }) =>
        showRecord(COUNTER_RECORDS, counter_format, counter_data),
      );
      return `counters ${result.value.sequence_number}: ${records.join(", ") || "no records"}`;
    }
    default:
      return `sample of the unknown format ${showFormat(format)}, ${data.length} bytes`;
  }
}

function showRecord(known: typeof FLOW_RECORDS, format: number, data: Uint8Array): string {
  const result = known[format]?.(data);
  if (result === undefined) return `(unknown format ${showFormat(format)}, ${data.length} bytes)`;
  return result.ok ? result.value : `(damaged record of format ${showFormat(format)}: ${showProblem(result)})`;
}

/** An interface: its number, or `dropped`, or how many there are. The compact form has the format in its first 2 bits. */
function showInterface(compact: number | sflow.interface_expanded): string {
  const { format, value } =
    typeof compact === "number" ? { format: compact >>> 30, value: compact & 0x3fff_ffff } : compact;
  if (format === 1) return `dropped (reason ${value})`;
  if (format === 2) return value === 0 ? "several" : `${value} interfaces`;
  return value === 0 ? "unknown" : `${value}`;
}

function showProblem({ code, offset, path }: Problem): string {
  return `${code} at byte ${offset}${path && `, in ${path}`}`;
}
