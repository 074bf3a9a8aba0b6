/**
 * The strongly connected components of a graph, each after those that its nodes point to (Tarjan's algorithm). Its
 * nodes are numbers.
 *
 * @param nodes - where to start, in order of preference
 * @param edges - the nodes that a node points to. Those that are not in `nodes` are ignored
 */
export function components(nodes: readonly number[], edges: (node: number) => readonly number[]): number[][] {
  const wanted = new Set(nodes);
  const found: number[][] = [];
  /** The order of discovery. */
  const indices = new Map<number, number>();
  /** The earliest node on the stack that is known to be reachable. */
  const lowest = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  // Loops, since a chain of types may be longer than the call stack.
  const calls: { readonly node: number; readonly targets: readonly number[]; next: number }[] = [];
  const enter = (node: number) => {
    indices.set(node, indices.size);
    lowest.set(node, indices.get(node)!);
    stack.push(node);
    onStack.add(node);
    calls.push({ node, targets: edges(node), next: 0 });
  };
  const reach = (node: number, other: number) => lowest.set(node, Math.min(lowest.get(node)!, other));
  for (const root of nodes) {
    if (!indices.has(root)) enter(root);
    for (let call = calls.at(-1); call; call = calls.at(-1)) {
      const { node, targets } = call;
      const target = targets[call.next];
      call.next += 1;
      if (target !== undefined) {
        if (!wanted.has(target)) continue;
        if (!indices.has(target)) enter(target);
        else if (onStack.has(target)) reach(node, indices.get(target)!);
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller) reach(caller.node, lowest.get(node)!);
      if (lowest.get(node) !== indices.get(node)) continue;
      const component = stack.splice(stack.lastIndexOf(node));
      for (const member of component) onStack.delete(member);
      found.push(component.sort((a, b) => a - b));
    }
  }
  return found;
}
