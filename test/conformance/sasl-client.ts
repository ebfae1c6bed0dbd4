/** SASL DIGEST-MD5 as a client sends it, each part of an answer changeable: for answers that no client library would send. */
import { digestProofs, opCode, parseDirectives, quoted, type Reader, saslBytes } from '@lightkeeper/protocol'
import type { Reply, Wire } from './wire.ts'

export interface Answer {
  readonly username: string
  readonly password: string
  readonly authzid?: string
  /** What the proof is made with and what is sent; the offer of the server where it is left out. */
  readonly realm?: string
  readonly nonce?: string
  readonly digestUri?: string
  readonly isUtf8?: boolean
  /** What is sent in the place of a directive; undefined leaves it out. */
  readonly sent?: Readonly<Record<string, string | undefined>>
}

export interface SaslReply extends Reply {
  readonly token: Uint8Array | null
}

export async function sendToken(wire: Wire, token: Uint8Array | null): Promise<SaslReply> {
  const reply = await wire.call(opCode.sasl, (writer) => writer.buffer(token))
  return { ...reply, token: bufferOf(reply.body) }
}

function bufferOf(body: Reader): Uint8Array | null {
  return body.remaining === 0 ? null : (body.buffer()?.slice() ?? null)
}

/** The challenge of the server, by directive. */
export async function challenge(wire: Wire): Promise<ReadonlyMap<string, string>> {
  const { token } = await sendToken(wire, new Uint8Array(0))
  return new Map(parseDirectives(new TextDecoder().decode(token ?? new Uint8Array(0))) ?? [])
}

/** Logs in: the reply to the answer, and whether the server proved that it knows the password. */
export async function logIn(wire: Wire, answer: Answer): Promise<{ reply: SaslReply; isProved: boolean }> {
  const offer = await challenge(wire)
  const { username, password, authzid, isUtf8 = true } = answer
  const realm = answer.realm ?? offer.get('realm') ?? ''
  const nonce = answer.nonce ?? offer.get('nonce') ?? ''
  const digestUri = answer.digestUri ?? 'zookeeper/zk-sasl-md5'
  const cnonce = 'Y25vbmNl'
  const proofs = digestProofs({ username, password, authzid, realm, nonce, cnonce, digestUri, isUtf8 })
  const directives: Record<string, string | undefined> = {
    charset: isUtf8 ? 'utf-8' : undefined,
    username: quoted(username),
    realm: quoted(realm),
    nonce: quoted(nonce),
    nc: '00000001',
    cnonce: quoted(cnonce),
    'digest-uri': quoted(digestUri),
    maxbuf: '65536',
    response: proofs.client,
    qop: 'auth',
    authzid: authzid === undefined ? undefined : quoted(authzid),
    ...answer.sent,
  }
  const text = Object.entries(directives)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  const reply = await sendToken(wire, saslBytes(text, isUtf8))
  const shown = new TextDecoder().decode(reply.token ?? new Uint8Array(0))
  return { reply, isProved: shown === `rspauth=${proofs.server}` }
}
