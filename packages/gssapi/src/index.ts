/**
 * SASL GSSAPI (RFC 4752) for the client, over the package `kerberos`. Authentication alone, both ways: no layer that protects
 * what follows, as ZooKeeper has none.
 */
import { KeeperError, type SaslExchange, type SaslMechanism, type SaslStep } from '@lightkeeper/client'

export interface GssapiOptions {
  /** First part of the server's principal. Default `zookeeper`. */
  readonly service?: string
  /** Second part of it, or how it comes from the host of the connect string. Default: that host. */
  readonly host?: string | ((host: string) => string)
  /** Whose tickets to use, `name@REALM`. Default: those of the default credential cache. */
  readonly principal?: string
  /** The principal to act as. Default: the owner of the tickets. */
  readonly authzid?: string
  /** The package `kerberos`. Default: it is imported. */
  readonly kerberos?: KerberosModule
}

/** What is used of the package `kerberos`. */
export interface KerberosModule {
  initializeClient(service: string, options: { principal?: string; flags: number }): Promise<KerberosClient>
}

/** Texts are base64. */
export interface KerberosClient {
  readonly contextComplete: boolean
  step(challenge: string): Promise<string | null>
  unwrap(challenge: string): Promise<string | null>
  wrap(plain: string, options?: { protect?: boolean }): Promise<string | null>
}

/** GSS_C_MUTUAL_FLAG and GSS_C_SEQUENCE_FLAG (RFC 2744): the server proves itself too; GSS_C_INTEG_FLAG for the last exchange. */
const flags = 2 | 8 | 32
/** Bit of "no security layer" in the offer of the server. */
const noLayer = 1

/** Logs in with the Kerberos tickets of this process. */
export function gssapi(options: GssapiOptions = {}): SaslMechanism {
  const { service = 'zookeeper', principal, authzid = '' } = options
  return {
    name: 'GSSAPI',
    async start(context): Promise<SaslExchange> {
      const kerberos = options.kerberos ?? (await importKerberos())
      const host = typeof options.host === 'function' ? options.host(context.host) : (options.host ?? context.host)
      const client = await kerberos.initializeClient(`${service}@${host}`, {
        flags,
        ...(principal === undefined ? {} : { principal }),
      })
      const first = decode(await client.step(''))
      return {
        first,
        async respond(challenge): Promise<SaslStep> {
          // Until both ends know each other; the token is empty when it is the server's turn to offer its layers.
          if (!client.contextComplete) return { token: decode(await client.step(encode(challenge))), isDone: false }
          const offer = decode(await client.unwrap(encode(challenge)))
          if (offer.length !== 4) throw failed('the offer of the server cannot be read')
          if (((offer[0] as number) & noLayer) === 0) throw failed('the server insists on a security layer')
          const choice = Uint8Array.from([noLayer, 0, 0, 0, ...new TextEncoder().encode(authzid)])
          return { token: decode(await client.wrap(encode(choice), { protect: false })), isDone: true }
        },
      }
    },
  }
}

/** Loaded by a name that the compiler does not follow: only users of Kerberos install the package. */
async function importKerberos(): Promise<KerberosModule> {
  const name = 'kerberos'
  try {
    const found = (await import(name)) as { default?: KerberosModule } & KerberosModule
    return found.default ?? found
  } catch (cause) {
    throw failed('the package kerberos is not installed beside this one, or cannot be loaded', cause)
  }
}

function failed(why: string, cause?: unknown): KeeperError {
  return new KeeperError('AUTH_FAILED', { message: `SASL GSSAPI: ${why}`, cause })
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function decode(text: string | null): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64'))
}
