type Basic = "int" | "uint" | "hyper" | "uhyper" | "bool";

const NAMES: { readonly [kind in Basic]: string } = {
  int: "char short long int8_t int16_t int32_t",
  uint: "u_char u_short u_int u_long uint8_t uint16_t uint32_t u_int8_t u_int16_t u_int32_t",
  hyper: "int64_t quad_t longlong_t",
  uhyper: "uint64_t u_int64_t u_quad_t u_longlong_t",
  bool: "bool_t",
};

/**
 * Types that rpcgen finds in the headers of C, by what they are on the wire: no integer takes less than 4 bytes there.
 * A definition of the same name in the schema hides them.
 */
export const C_TYPES: ReadonlyMap<string, Basic> = new Map(
  Object.entries(NAMES).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind as Basic] as const)),
);
