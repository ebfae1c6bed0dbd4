/** One four-letter word asked of one server. */
import type { Clock, Network, TlsOptions } from '@lightkeeper/runtime'

/** How long a server may take, milliseconds. */
const patienceMs = 3_000
/** Bytes of an answer: `cons` and `wchc` of a busy server are long. */
const answerBytesMax = 32 << 20

/** @throws Error with a sentence for people where there is no answer. */
export function askWord(
  network: Network,
  clock: Clock,
  address: string,
  word: string,
  tls?: TlsOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let bytes = 0
    const timer = clock.after(patienceMs, () => {
      link.destroy()
      reject(new Error(`${address} did not answer ${word} within ${patienceMs / 1000} seconds`))
    })
    const link = network.connect(
      address,
      {
        opened() {
          link.write(new TextEncoder().encode(word))
        },
        data(chunk) {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes > answerBytesMax) link.destroy()
        },
        closed(reason) {
          timer.cancel()
          if (bytes > 0) resolve(new TextDecoder().decode(Buffer.concat(chunks)))
          else
            reject(
              new Error(`${address} gave no answer to ${word}${reason === undefined ? '' : `: ${reason.message}`}`),
            )
        },
      },
      { tls },
    )
  })
}
