/** Streams that a consumer can leave while they wait. */

/**
 * The same stream; its `return()` first calls `interrupt`, which must wake the stream up. A generator alone first finishes its
 * current step, and that step may wait for a server that does not answer, or for an event that never comes.
 */
export function interruptible<T>(
  stream: AsyncGenerator<T, void, void>,
  interrupt: () => void,
): AsyncGenerator<T, void, void> {
  const leave = stream.return.bind(stream)
  stream.return = (value) => {
    interrupt()
    return leave(value)
  }
  return stream
}
