/**
 * SASL GSSAPI (RFC 4752) for the client, over the package `kerberos`. It authenticates both ends. It offers no layer that protects what
 * follows, because ZooKeeper has none.
 */
import { KeeperError, type SaslExchange, type SaslMechanism, type SaslStep } from '@lightkeeper/client'
import { type Check, OptionSet, text, withMethods } from '@lightkeeper/client/arguments'

/** A login by Kerberos. Without options it uses the tickets of the user who runs the process. */
export interface GssapiOptions {
  /** First part of the server's principal. Default `zookeeper`. */
  readonly service?: string
  /** Second part of the server's principal, or a function that makes it from the host of the connect string. Default: that host. */
  readonly host?: string | ((host: string) => string)
  /** Owner of the tickets to use, `name@REALM`. Default: the owner of the default credential cache. */
  readonly principal?: string
  /** The principal to act as. Default: the owner of the tickets. */
  readonly authzid?: string
  /** The package `kerberos`. Default: it is imported at the first login. */
  readonly kerberos?: KerberosModule
}

/** The part of the package `kerberos` that is used. */
export interface KerberosModule {
  /** Begins a login at a service, `zookeeper@HOST`. `flags` are those of GSS-API. */
  initializeClient(service: string, options: { principal?: string; flags: number }): Promise<KerberosClient>
}

/** Texts are base64. */
export interface KerberosClient {
  /** Whether both ends have proved who they are. */
  readonly contextComplete: boolean
  /** Takes what the server sent, base64; resolves to the answer. Null where there is nothing to send. */
  step(challenge: string): Promise<string | null>
  /** Takes a message of the server out of its protection. */
  unwrap(challenge: string): Promise<string | null>
  /** Puts a message for the server into its protection; `protect` encrypts it too. */
  wrap(plain: string, options?: { protect?: boolean }): Promise<string | null>
}

/** GSS_C_MUTUAL_FLAG and GSS_C_SEQUENCE_FLAG (RFC 2744), so that the server proves itself too; GSS_C_INTEG_FLAG for the last exchange. */
const flags = 2 | 8 | 32
/** The bit for "no security layer" in the offer of the server. */
const noLayer = 1

const host: Check<NonNullable<GssapiOptions['host']>> = (value, name, operation) =>
  typeof value === 'function' ? (value as (host: string) => string) : text(value, name, operation)

const gssapiOptions = new OptionSet<GssapiOptions>({
  service: text,
  host,
  principal: text,
  authzid: text,
  kerberos: withMethods<KerberosModule>('the package kerberos, with initializeClient()', 'initializeClient'),
})

/**
 * Logs in with the Kerberos tickets of this process.
 * @throws TypeError that names the option, at once. The login rejects with KeeperError AUTH_FAILED.
 */
export function gssapi(options: GssapiOptions = {}): SaslMechanism {
  const own = gssapiOptions.of(options, 'gssapi')
  const { service = 'zookeeper', principal, authzid = '' } = own
  return {
    name: 'GSSAPI',
    async start(context): Promise<SaslExchange> {
      const kerberos = own.kerberos ?? (await importKerberos())
      const given = typeof own.host === 'function' ? own.host(context.host) : (own.host ?? context.host)
      const host = text(given, 'what options.host gives', 'gssapi')
      const client = await kerberos.initializeClient(`${service}@${host}`, {
        flags,
        ...(principal === undefined ? {} : { principal }),
      })
      const first = decode(await client.step(''))
      return {
        first,
        async respond(challenge): Promise<SaslStep> {
          // Until both ends are authenticated. The last token is empty: the server offers its layers next.
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
