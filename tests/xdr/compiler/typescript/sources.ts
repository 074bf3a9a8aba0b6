/** The example of RFC 4506 §7, and a little more. */
export const SMALL = `
const MAXUSERNAME = 32;   /* max length of a user name */
const MAXFILELEN = 65535; /* max length of a file */

/* Types of files. */
enum filekind {
  TEXT = 0, /* ascii data */
  DATA = 1, /* raw data */
  EXEC = 2  /* executable */
};

union filetype switch (filekind kind) {
case TEXT:
  void;
case DATA:
  string creator<255>;
case EXEC:
  string interpretor<255>;
};

/* A file,
   with its content. */
struct file {
  string filename<255>;  // without the folder
  filetype type;
  string owner<MAXUSERNAME>;
  opaque data<MAXFILELEN>;
  hyper modified;
  file *next;
  unsigned hyper offsets[2];
};

typedef file folder<>;
typedef opaque hash[20];
typedef hash digest;
typedef filekind sort;

union answer switch (int status) {
case 0:
case 1:
  folder files;
case -1:
  void;
default:
  string error<>;
};
`;

/** Names that mean something in TypeScript, or that generated code uses itself. */
export const NAMES = `
const Array = 1;
const readInt = 2;
const class = 3;

enum decode { encode = 1, size = 2, nameOf = 3, constructor = 4, decode_ = 6, toString = 7, static = -1 };

struct object {
  int input;
  int output;
  int value;
  int within;
  int class;
  int object;
  int Array;
  int readInt;
  int constructor;
  decode encode;
  int type;
  int type_;
  int undefined;
};

struct Object { object number; };
struct a_name_of_more_than_one_hundred_characters_which_does_not_fit_in_a_line_of_code_by_itself_nor_with_others {
  int another_name_of_more_than_one_hundred_characters_which_does_not_fit_in_a_line_of_code_by_itself_nor_with_others;
  int short;
};
struct Int { int x; };
struct XdrCodec { Int i; };
struct Exclude { XdrCodec c; };
struct let { Exclude e; };
struct within { let l; };

union Uint switch (decode constructor) {
case encode:
  int toString;
case static:
case decode_:
  struct { int x<>; } start;
case constructor:
  void;
default:
  Int hasOwnProperty;
};

union String switch (unsigned value) {
case 0:
  int input;
default:
  string output<>;
};

struct point { int x; };
struct Point { int y; };
typedef point number<2>;
typedef point *boolean;
typedef number symbol[2];
typedef boolean never<>;

typedef int as;
struct keyof { as readonly; };
union infer switch (int this) { case 1: void; default: hyper this_; };
enum start { INPUT = 5, OUTPUT = 6 };
typedef start input;
enum value { VALUE = 7 };
union output switch (input t) { case INPUT: int a; case OUTPUT: value b; };
union unique switch (value t) { case VALUE: keyof a; };
struct ArrayBufferLike { unique u; };

namespace a {
struct Header { int x; };
struct Only { Header h; };
namespace b {
struct Header { a::Header outer; };
}
}
namespace c {
enum Header { ONE = 1 };
union Uses switch (Header kind) { case ONE: a::b::Header inner; };
struct c_Header { Header h; };
}
`;
