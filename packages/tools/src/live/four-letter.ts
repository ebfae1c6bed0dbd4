/** Four-letter words: asks a server, ours or Apache's, on its port for clients. */
import type { Runtime, TlsOptions } from '@lightkeeper/runtime'

export interface WordOptions {
  /** Milliseconds until it gives up. Default 5000. */
  readonly timeoutMs?: number | undefined
  /** Use TLS. Default: no TLS. */
  readonly tls?: TlsOptions | undefined
}

/** A longer answer is refused. Apache has no bound, and a server with very many watches names all of them. */
const answerBytesMax = 64 * 1024 * 1024
/** What a server answers instead. */
const refused =
  /is not executed because it is not in the whitelist|^This ZooKeeper instance is not currently serving requests/

/** The server does not answer this word: its `4lw.commands.whitelist` leaves it out, or it serves no clients at the moment. */
export class WordRefused extends Error {
  override readonly name = 'WordRefused'
}

/**
 * The answer to `word` from the server at `address`, `host:port`.
 * @throws WordRefused where it does not answer this word; Error where the server cannot be reached or does not answer in time.
 */
export function askWord(
  { network, clock }: Pick<Runtime, 'network' | 'clock'>,
  address: string,
  word: string,
  { timeoutMs = 5_000, tls }: WordOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    const end = (error: Error): void => {
      timer.cancel()
      link.destroy()
      reject(new Error(`${address} does not answer ${word}: ${error.message}`, { cause: error }))
    }
    const timer = clock.after(timeoutMs, () => end(new Error(`nothing came within ${timeoutMs} ms`)))
    const link = network.connect(
      address,
      {
        opened: () => void link.write(new TextEncoder().encode(word)),
        data(chunk) {
          size += chunk.length
          if (size > answerBytesMax) end(new Error(`its answer is longer than ${answerBytesMax} bytes`))
          else chunks.push(chunk)
        },
        closed(reason) {
          if (reason !== undefined) return end(reason)
          timer.cancel()
          const text = textOf(chunks, size)
          if (refused.test(text)) reject(new WordRefused(`${address} does not answer ${word}: ${text.trim()}`))
          else resolve(text)
        },
      },
      { tls },
    )
  })
}

function textOf(chunks: readonly Uint8Array[], size: number): string {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return new TextDecoder().decode(bytes)
}
