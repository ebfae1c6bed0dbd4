/** A port that must be had: it is tried again for as long as it is wanted. */
import type { Link, LinkEvents, Listener, Runtime } from '@lightkeeper/runtime'

/** How often it is tried again, milliseconds. */
const retryMs = 200

export interface Wanted {
  readonly isWanted: () => boolean
  readonly accept: (link: Link) => LinkEvents
  /** It cannot be had for now. Called for each try. */
  readonly failed: (cause: Error) => void
}

/** Undefined where it is not wanted any more. */
export async function listenPatiently(
  address: string,
  { network, clock }: Pick<Runtime, 'network' | 'clock'>,
  { isWanted, accept, failed }: Wanted,
): Promise<Listener | undefined> {
  while (isWanted()) {
    try {
      const listener = await network.listen(address, accept)
      if (isWanted()) return listener
      await listener.close()
    } catch (error) {
      failed(error as Error)
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
    }
  }
  return undefined
}
