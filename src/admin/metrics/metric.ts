/**
 * A metric whose values are read elsewhere. prom-client's own counters and histograms count by themselves, and cannot take
 * over what the server has counted; its registry takes any object with these members.
 */
import type { Metric, Registry } from "prom-client";
import type { Histogram } from "../../server/index.ts";

type Labels = Readonly<Record<string, string | number>>;

/** Values of one metric: a number, or a number per set of labels. undefined if the system does not report it. */
type Values = number | undefined | readonly (readonly [Labels, number])[];

interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** How a metric is read from `R`, for instance from the statistics of a server. */
export type Definition<R> = (reading: R, registry: Registry) => void;

export function counter<R>(name: string, help: string, read: (reading: R) => Values): Definition<R> {
  return (reading, registry) => add(registry, name, help, "counter", samples(read(reading)));
}

export function gauge<R>(name: string, help: string, read: (reading: R) => Values): Definition<R> {
  return (reading, registry) => add(registry, name, help, "gauge", samples(read(reading)));
}

export function histogram<R>(name: string, help: string, read: (reading: R) => Histogram): Definition<R> {
  return (reading, registry) => add(registry, name, help, "histogram", histogramSamples(name, read(reading)));
}

function samples(values: Values): Sample[] {
  if (values === undefined) return [];
  if (typeof values === "number") return [{ labels: {}, value: values }];
  return values.map(([labels, value]) => ({ labels, value }));
}

/** Per bound the number of values up to it, all lower ranges included. */
function histogramSamples(name: string, { bounds, counts, sum }: Histogram): Sample[] {
  let count = 0;
  const buckets = counts.map((inRange, i) => {
    count += inRange;
    return { metricName: `${name}_bucket`, labels: { le: bounds[i] ?? "+Inf" }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}

function add(registry: Registry, name: string, help: string, type: string, values: readonly Sample[]): void {
  // A metric that the system does not report is left out.
  if (values.length === 0) return;
  const metric = { name, help, type, get: async () => ({ name, help, type, values }) };
  registry.registerMetric(metric as unknown as Metric);
}
