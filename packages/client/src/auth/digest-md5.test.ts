import { digestProofs, KeeperError } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { digestMd5 } from './digest-md5.ts'
import type { SaslExchange } from './sasl.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length).fill(0xab) }
const start = async (options: Partial<Parameters<typeof digestMd5>[0]> = {}): Promise<SaslExchange> =>
  digestMd5({ username: 'bob', password: 'bobsecret', ...options }).start({ host: 'zk1', random })
const offer = 'realm="zk-sasl-md5",nonce="qqNonce",charset=utf-8,algorithm=md5-sess'
const answer = async (exchange: SaslExchange, challenge: string): Promise<string> =>
  new TextDecoder().decode((await exchange.respond(bytes(challenge))).token)
const failure = async (challenge: string): Promise<string> => {
  const exchange = await start()
  return (async () => exchange.respond(bytes(challenge)))().then(
    () => 'ok',
    (error: unknown) => (KeeperError.is(error, 'AUTH_FAILED') ? error.message : String(error)),
  )
}

describe('DIGEST-MD5', () => {
  test('waits for the server, answers without the password, and is done when the server has proved itself', async () => {
    const exchange = await start()
    expect(exchange.first).toHaveLength(0)
    const said = await answer(exchange, offer)
    const cnonce = 'ab'.repeat(16)
    const input = { username: 'bob', password: 'bobsecret', realm: 'zk-sasl-md5', nonce: 'qqNonce', isUtf8: true }
    const proofs = digestProofs({ ...input, cnonce, digestUri: 'zookeeper/zk-sasl-md5' })
    expect(said).toBe(
      `charset=utf-8,username="bob",realm="zk-sasl-md5",nonce="qqNonce",nc=00000001,cnonce="${cnonce}",` +
        `digest-uri="zookeeper/zk-sasl-md5",maxbuf=65536,response=${proofs.client},qop=auth`,
    )
    expect(await exchange.respond(bytes(`rspauth=${proofs.server}`))).toEqual({ isDone: true })
  })

  test('refuses a server that does not know the password', async () => {
    const exchange = await start()
    await exchange.respond(bytes(offer))
    expect(() => exchange.respond(bytes(`rspauth=${'0'.repeat(32)}`))).toThrow('did not prove that it knows')
  })

  test.each([
    ['', 'cannot be read'],
    ['nonce="x', 'cannot be read'],
    ['realm="r",algorithm=md5-sess', 'no nonce'],
    ['nonce="a",nonce="b",algorithm=md5-sess', 'no nonce, or several'],
    ['nonce="a"', 'md5-sess'],
    ['nonce="a",algorithm=md5-sess,qop="auth-int,auth-conf"', 'protection'],
  ])('says what is wrong with the challenge %s', async (challenge, why) => {
    expect(await failure(challenge)).toContain(why)
  })

  test('reads quoted commas and quotes, and writes them', async () => {
    const exchange = await start({ username: 'a"b\\c', authzid: 'x,y' })
    const said = await answer(exchange, String.raw`realm="q\"r,s" , qop="auth-int,auth",nonce="n",algorithm=md5-sess`)
    expect(said).toContain(String.raw`username="a\"b\\c",realm="q\"r,s",nonce="n"`)
    expect(said).toContain('authzid="x,y"')
  })

  test('asks for user and password anew for each exchange', async () => {
    let asked = 0
    const password = (): Promise<string> => Promise.resolve(`pw${asked++}`)
    const said = await Promise.all([1, 2].map(async () => answer(await start({ password }), offer)))
    expect(asked).toBe(2)
    expect(said[0]).not.toBe(said[1])
  })
})
