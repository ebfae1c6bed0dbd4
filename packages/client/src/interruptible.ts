/** Streams that can be left while they wait. */

/**
 * The same stream, whose `return()` first calls `interrupt`, which must wake it up. A generator by itself finishes the step it is in
 * before it looks at a `return()`, and that step may wait for a server that does not answer, or for an event that never comes.
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
