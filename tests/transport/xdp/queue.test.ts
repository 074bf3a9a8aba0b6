import { expect, test } from "bun:test";
import { type Borrower, Queue } from "../../../src/transport/xdp/queue.ts";
import type { XdpLoan, XdpSocket } from "../../../src/transport/xdp/socket.ts";

/** A queue with a worker, and what happens to it. */
function queueWithWorker() {
  const events: string[] = [];
  const queue = new Queue(3, {
    set: (number, fd) => void events.push(`set ${number} ${fd}`),
    delete: (number) => void events.push(`delete ${number}`),
  });
  const borrower: Borrower = {
    lend: ({ number }) => void events.push(`lend ${number}`),
    giveBack: (loan) => void events.push(`give back ${loan}`),
    ended: new Promise(() => {}),
  };
  queue.offer(borrower);
  let loans = 0;
  const lend = () =>
    queue.lend(
      () => ({ loan: ++loans, fd: 10 + loans }) as XdpSocket,
      ({ loan }) => ({ number: loan }) as XdpLoan,
    );
  return { queue, lend, events };
}

test("a queue whose socket cannot be put into the map stays a problem until it can", () => {
  let broken = true;
  const queue = new Queue(3, {
    set: () => {
      if (broken) throw Object.assign(new Error("full"), { code: "ENOMEM" });
    },
    delete() {},
  });
  queue.offer({ lend() {}, giveBack() {}, ended: new Promise(() => {}) });
  for (const loan of [1, 2]) {
    queue.lend(
      () => ({ loan }) as XdpSocket,
      () => ({ number: loan }) as XdpLoan,
    );
    queue.lent(loan);
    expect(queue.served).toBe(false);
    expect(queue.problem.error).toMatchObject({ code: "ENOMEM" });
    queue.returned(loan);
    expect(queue.problem.error).toMatchObject({ code: "ENOMEM" });
  }
  broken = false;
  queue.lend(
    () => ({ loan: 3 }) as XdpSocket,
    () => ({ number: 3 }) as XdpLoan,
  );
  queue.lent(3);
  expect(queue.served).toBe(true);
  expect(queue.problem.error).toBeUndefined();
});

test("a queue has its packets go to a socket when the worker says that it uses it, and not before", () => {
  const { queue, lend, events } = queueWithWorker();
  lend();
  expect(queue.served).toBe(false);
  queue.lent(1);
  expect(queue.served).toBe(true);
  lend();
  expect(events).toEqual(["lend 1", "set 3 11"]);
});

test("a worker that says so late, when it was asked to stop or has failed, gets no packets", () => {
  const { queue, lend, events } = queueWithWorker();
  lend();
  queue.askBack();
  queue.lent(1);
  expect(queue.served).toBe(false);
  expect(queue.returned(1)?.fd).toBe(11);
  lend();
  expect(queue.revoke()?.fd).toBe(12);
  queue.lent(2);
  expect(queue.served).toBe(false);
  expect(queue.socket).toBeUndefined();
  lend();
  expect(events).toEqual(["lend 1", "give back 1", "lend 2"]);
});

test("a worker that returns a loan twice keeps the next one", () => {
  const { queue, lend, events } = queueWithWorker();
  lend();
  queue.lent(1);
  queue.askBack();
  queue.askBack();
  expect(queue.returned(1)?.fd).toBe(11);
  lend();
  queue.lent(2);
  expect(queue.returned(1)).toBeUndefined();
  expect(queue.served).toBe(true);
  expect(events).toEqual(["lend 1", "set 3 11", "delete 3", "give back 1", "lend 2", "set 3 12"]);
});

test("a socket that the program cannot fill is asked back, and the error is the queue's problem", () => {
  const events: string[] = [];
  const queue = new Queue(0, {
    set() {
      throw Object.assign(new Error("no room"), { code: "E2BIG" });
    },
    delete() {},
  });
  queue.offer({ lend() {}, giveBack: (loan) => void events.push(`give back ${loan}`), ended: new Promise(() => {}) });
  queue.lend(
    () => ({ loan: 7, fd: 5 }) as XdpSocket,
    () => ({}) as XdpLoan,
  );
  queue.lent(7);
  expect(queue.served).toBe(false);
  expect(queue.problem.error).toMatchObject({ code: "E2BIG" });
  expect(events).toEqual(["give back 7"]);
});

test("a socket that cannot be opened is the queue's problem, but not yet if that may pass within moments", () => {
  const { queue } = queueWithWorker();
  const fail = (code: string) =>
    queue.lend(
      () => {
        throw Object.assign(new Error("failed"), { code });
      },
      () => ({}) as XdpLoan,
    );
  fail("EBUSY");
  expect(queue.problem.isTransient).toBe(true);
  expect(queue.problem.error).toBeUndefined();
  fail("EPERM");
  expect(queue.problem.isTransient).toBe(false);
  expect(queue.problem.error).toMatchObject({ code: "EPERM" });
  const { borrower } = queue;
  queue.offer(borrower!);
  expect(queue.problem.error).toBeUndefined();
});
