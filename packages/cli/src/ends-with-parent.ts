/** A process that a command started ends with it, however that ends: by a channel between the two, which the system closes. */

/** The variable of the environment that asks a process for this. */
export const endsWithParent = 'LIGHTKEEPER_ENDS_WITH_PARENT'

/** Calls `stop` once the command that started this process is gone; never where it was not asked for. */
export function onEndOfParent(stop: () => void): void {
  if (process.env[endsWithParent] === undefined) return
  if (!process.connected) {
    stop()
    return
  }
  process.once('disconnect', stop)
  // The channel alone keeps no process running.
  process.channel?.unref()
}
