/** The tools of the fault matrix: cables that can be unplugged, and an ensemble whose servers can be cut off. */
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { apache, ask, proxy, withElectionAddress } from '@lightkeeper/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { missingTarget } from '../support/target.ts'
import { sleep } from '../support/wait.ts'

/** A server that answers every line with itself, and notes what it heard. */
async function echo() {
  const heard: string[] = []
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      heard.push(chunk.toString())
      socket.write(chunk)
    })
    socket.on('end', () => heard.push('end'))
    socket.on('error', () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, heard }
}

async function dial(port: number): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const told = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])

describe('a proxy with its cable out', () => {
  test('passes nothing and closes nothing; what was sent arrives when it is in again', async () => {
    const { port, heard } = await echo()
    await using wire = await proxy(port)
    const old = await dial(wire.port)
    old.write('a')
    expect(await told(old)).toBe('a')
    wire.hang()
    old.write('b')
    const fresh = await dial(wire.port)
    fresh.write('c')
    // Loopback brings what passes at once; a proxy that leaks shows here.
    await sleep(100)
    expect(heard).toEqual(['a'])
    expect([old.destroyed, fresh.destroyed]).toEqual([false, false])
    const answers = Promise.all([told(old), told(fresh)])
    wire.heal()
    expect(await answers).toEqual(['b', 'c'])
    old.destroy()
    fresh.destroy()
  })

  test('reports an end when it is in again, after what was sent before', async () => {
    const { port, heard } = await echo()
    await using wire = await proxy(port)
    const socket = await dial(wire.port)
    socket.write('a')
    await told(socket)
    wire.hang()
    socket.end('b')
    await sleep(100)
    expect(heard).toEqual(['a'])
    wire.heal()
    await expect.poll(() => heard).toEqual(['a', 'b', 'end'])
  })
})

describe('a proxy that fails', () => {
  test('loses the answer to one request, which the server has received, and the connection with it', async () => {
    const { port, heard } = await echo()
    await using wire = await proxy(port)
    const [hit, other] = [await dial(wire.port), await dial(wire.port)]
    const received: string[] = []
    hit.on('data', (chunk) => received.push(String(chunk)))
    wire.loseReplyTo((request) => request.includes('lose'))
    hit.write('keep')
    await expect.poll(() => received).toEqual(['keep'])
    hit.write('lose this')
    await once(hit, 'close')
    other.write('lose nothing')
    expect(await told(other)).toBe('lose nothing')
    expect(received).toEqual(['keep'])
    expect(heard.filter((one) => one !== 'end')).toEqual(['keep', 'lose this', 'lose nothing'])
    other.destroy()
  })

  test('is down until it is healed, and counts the connections, in all and at one time', async () => {
    const { port } = await echo()
    await using wire = await proxy(port)
    const first = await dial(wire.port)
    const second = await dial(wire.port)
    second.write('a')
    await told(second)
    const closed = Promise.all([first, second].map((socket) => once(socket, 'close')))
    wire.down()
    await closed
    await once(await dial(wire.port), 'close')
    expect([wire.accepted, wire.openMax]).toEqual([2, 2])
    wire.heal()
    const third = await dial(wire.port)
    third.write('b')
    expect(await told(third)).toBe('b')
    expect([wire.accepted, wire.openMax]).toEqual([3, 2])
    third.destroy()
  })
})

test('a connection waits for a listener as long as the proxy has patience, and ends then', async () => {
  const { port } = await echo()
  const gone = createServer()
  await once(gone.listen(0, '127.0.0.1'), 'listening')
  const address = gone.address()
  const free = typeof address === 'object' && address !== null ? address.port : 0
  await new Promise((resolve) => gone.close(resolve))
  expect(free).not.toBe(port)
  await using hasty = await proxy(free)
  const refused = await dial(hasty.port)
  await once(refused, 'close')
  await using patient = await proxy(free, { patience: 10_000 })
  const waiting = await dial(patient.port)
  waiting.write('a')
  await sleep(50)
  const late = createServer((socket) => void socket.pipe(socket)).listen(free, '127.0.0.1')
  expect(await told(waiting)).toBe('a')
  waiting.destroy()
  await new Promise((resolve) => late.close(resolve))
})

test('the address in an initial message of an election is replaced, however it is cut, and the rest stays', () => {
  const address = '127.0.0.1:3888'
  const message = Buffer.alloc(20)
  message.writeBigInt64BE(-65_536n, 0)
  message.writeBigInt64BE(2n, 8)
  message.writeInt32BE(address.length, 16)
  const whole = Buffer.concat([message, Buffer.from(address)])
  for (let end = 0; end < whole.length; end++)
    expect(withElectionAddress(whole.subarray(0, end), 'x:1')).toBeUndefined()
  const other = withElectionAddress(Buffer.concat([whole, Buffer.from('more')]), 'elsewhere:40001')
  expect(other?.readBigInt64BE(8)).toBe(2n)
  expect(other?.readInt32BE(16)).toBe('elsewhere:40001'.length)
  expect(other?.subarray(20).toString()).toBe('elsewhere:40001more')
})

const missing = missingTarget('apache-3.8')
if (missing !== undefined) console.log(`the kit of an ensemble: skipped, because ${missing}`)
test.skipIf(missing !== undefined)('a leader that is cut off is replaced, and follows when it is back', async () => {
  const config = { tickTime: 300, initLimit: 15, syncLimit: 5 }
  await using servers = await apache({ size: 3, cuttable: true, config })
  const leader = async (): Promise<number | undefined> => await servers.leader()
  const first = (await leader()) as number
  expect(first).toBeGreaterThanOrEqual(0)
  servers.cut(first)
  const second = (): Promise<number | undefined> => leader()
  await expect.poll(second, { timeout: 30_000 }).toSatisfy((found) => found !== undefined && found !== first)
  await expect(ask(servers.ports[first] as number, 'srvr')).rejects.toThrow('no answer')
  servers.heal(first)
  const mode = async (): Promise<string | undefined> =>
    /^Mode: (.*)$/m.exec(await ask(servers.ports[first] as number, 'srvr').catch(() => ''))?.[1]
  await expect.poll(mode, { timeout: 30_000 }).toBe('follower')
})
