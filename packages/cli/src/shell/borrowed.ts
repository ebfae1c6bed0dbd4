/** The shell's client, lent to a command that would close its own one. */
import type { Client } from '@lightkeeper/client'

/** A client whose end is none: `close` and disposal leave the session as it is. After the signal has aborted it refuses every call. */
export function borrowed(zk: Client, signal: AbortSignal): Client {
  return new Proxy(zk, {
    get(target, name) {
      if (name === 'close' || name === Symbol.asyncDispose) return async () => {}
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        signal.throwIfAborted()
        // Its private fields are those of the client itself.
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
}
