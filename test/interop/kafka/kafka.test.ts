/**
 * Two Kafka brokers that keep their metadata in ZooKeeper: topics, producers and consumers, a controller that is killed, and
 * ZooKeeper itself killed and started again under them. Nothing that was acknowledged is lost.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '@lightkeeper/client'
import { compileJava, freePorts } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ourProcess } from '../../support/our-process.ts'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { until } from '../../support/wait.ts'
import { cache, has, skipReason } from '../lane.ts'
import { Peer } from '../peer.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const jars = here('../../../.cache/kafka')
const classPath = `${cache}kafka:${jars}/*`

function prepare(): string | undefined {
  if (!has('javac')) return 'there is no javac'
  if (!existsSync(jars) || !readdirSync(jars).some((name) => name.startsWith('kafka_2.13-3.'))) {
    return 'its jars were not fetched; node scripts/peers.mjs does it'
  }
  mkdirSync(`${cache}kafka`, { recursive: true })
  return compileJava(classPath, [here('KafkaPeer.java'), here('../Commands.java')])
}

const missing = skipReason('Kafka', missingTarget() ?? prepare())

/** The target as a process that can be killed. */
async function startKillable(folder: string): Promise<TargetServer> {
  if (targetName !== 'ours') return startTarget()
  const [port = 0] = await freePorts(1)
  const start = (): ReturnType<typeof ourProcess> => ourProcess(['--port', `${port}`, '--data-dir', folder])
  let running = await start()
  const close = async (): Promise<void> => void (await running.end('SIGTERM'))
  return {
    port,
    connectString: running.connectString,
    securePort: -1,
    async crashAndRestart() {
      await running.end('SIGKILL')
      running = await start()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

class Broker {
  readonly #id: number
  readonly #file: string
  #child: Child | undefined

  constructor(id: number, port: number, folder: string, zooKeeper: string) {
    this.#id = id
    this.#file = join(folder, `broker-${id}.properties`)
    const settings = {
      'broker.id': id,
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'zookeeper.connect': `${zooKeeper}/kafka`,
      'zookeeper.session.timeout.ms': 6000,
      'zookeeper.connection.timeout.ms': 30_000,
      'log.dirs': join(folder, `broker-${id}`),
      'num.partitions': 2,
      'default.replication.factor': 2,
      'offsets.topic.replication.factor': 2,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.replication.factor': 2,
      'transaction.state.log.min.isr': 1,
      'transaction.state.log.num.partitions': 2,
      'min.insync.replicas': 1,
      'group.initial.rebalance.delay.ms': 0,
      'replica.lag.time.max.ms': 5000,
      'num.network.threads': 1,
      'num.io.threads': 2,
      'log.cleaner.enable': false,
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
    writeFileSync(this.#file, `${lines.join('\n')}\n`)
  }

  start(): void {
    const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-cp', classPath]
    this.#child = new Child(['java', ...jvm, 'kafka.Kafka', this.#file])
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await this.#child?.end(signal)
  }

  /** The end of what it printed. */
  get log(): string {
    return `broker ${this.#id}: ${this.#child?.printed.slice(-3000)}`
  }
}

describe.skipIf(missing !== undefined)(`Kafka on ${targetName}`, () => {
  const folder = missing === undefined ? mkdtempSync(join(tmpdir(), 'lightkeeper-kafka-')) : ''
  const brokers = new Map<number, Broker>()
  let server: TargetServer
  let zk: Client
  let peer: Peer
  const logs = (): string => [...brokers.values()].map((each) => each.log).join('\n')
  /** In one look: it goes with its session at any moment. */
  const controller = async (): Promise<number | undefined> => {
    const found = await zk.find('/kafka/controller')
    return found && Number((JSON.parse(Buffer.from(found.data).toString()) as Record<string, unknown>)['brokerid'])
  }
  const allInSync = (topic: string): Promise<void> =>
    until(
      async () => {
        // A broker may not know yet of a topic that another one made.
        const state = await peer.call('partitions', topic).catch((error: Error) => {
          if (error.message.includes('UnknownTopicOrPartition')) return ''
          throw error
        })
        return state.split(' ').every((each) => each.endsWith('[1,2]'))
      },
      () => logs(),
    )

  beforeAll(async () => {
    server = await startKillable(join(folder, 'zookeeper'))
    zk = await connect(server.connectString, { sessionTimeout: 20_000 })
    const ports = await freePorts(2)
    for (const [index, port] of ports.entries()) {
      const broker = new Broker(index + 1, port, folder, server.connectString)
      broker.start()
      brokers.set(index + 1, broker)
    }
    const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m', '-cp', classPath]
    peer = new Peer(['java', ...jvm, 'KafkaPeer', ports.map((port) => `127.0.0.1:${port}`).join(',')])
  })
  afterAll(async () => {
    for (const broker of brokers.values()) await broker.end('SIGKILL')
    await peer?.[Symbol.asyncDispose]()
    await zk?.close()
    await server?.close()
    if (folder !== '') rmSync(folder, { recursive: true, force: true })
  })

  test('two brokers meet, and keep topics, settings and offsets', async () => {
    await until(async () => (await peer.call('brokers')) === '[1, 2]', logs)
    expect([1, 2]).toContain(await controller())
    await peer.call('create', 'orders', 4, 2)
    await allInSync('orders')
    expect(await peer.call('produce', 'orders', 0, 500)).toBe('500')
    expect(await peer.call('consume', 'orders', 'readers', 500)).toBe(`500 ${(499 * 500) / 2}`)
    await peer.call('set', 'orders', 'retention.ms', '7200000')
    await until(async () => (await peer.call('setting', 'orders', 'retention.ms')) === '7200000', logs)
    await peer.call('grow', 'orders', 6)
    await until(async () => (await peer.call('partitions', 'orders')).split(' ').length === 6, logs)
    await peer.call('create', 'brief', 1, 2)
    await peer.call('delete', 'brief')
    await until(async () => !(await peer.call('topics')).includes('brief'), logs)
  })

  test('another broker becomes controller when the first is killed', async () => {
    const before = (await controller()) as number
    const epoch = Number(Buffer.from((await zk.get('/kafka/controller_epoch')).data).toString())
    await brokers.get(before)?.end('SIGKILL')
    await until(async () => ![undefined, before].includes(await controller()), logs)
    expect(Number(Buffer.from((await zk.get('/kafka/controller_epoch')).data).toString())).toBe(epoch + 1)
    expect(await peer.call('produce', 'orders', 500, 200)).toBe('200')
    await peer.call('create', 'alone', 1, 1)
    brokers.get(before)?.start()
    await allInSync('orders')
    expect(await peer.call('consume', 'orders', 'second-readers', 700)).toBe(`700 ${(699 * 700) / 2}`)
  })

  test('brokers keep their sessions when ZooKeeper is killed and started again', async () => {
    const owners = async (): Promise<(bigint | undefined)[]> =>
      Promise.all(
        (['/kafka/brokers/ids/1', '/kafka/brokers/ids/2', '/kafka/controller'] as const).map(
          async (path) => (await zk.existence(path)).stat?.ephemeralOwner,
        ),
      )
    // The broker that was killed has to be back, and one of them the controller.
    await until(async () => !(await owners()).includes(undefined))
    const before = await owners()
    const producing = peer.call('produce', 'orders', 700, 300)
    await server.crashAndRestart()
    expect(await producing).toBe('300')
    expect(await owners()).toEqual(before)
    await peer.call('create', 'later', 2, 2)
    await allInSync('later')
    expect(await peer.call('produce', 'later', 0, 50)).toBe('50')
    expect(await peer.call('consume', 'later', 'readers', 50)).toBe(`50 ${(49 * 50) / 2}`)
    expect(await peer.call('consume', 'orders', 'third-readers', 1000)).toBe(`1000 ${(999 * 1000) / 2}`)
    expect(await owners()).toEqual(before)
  })
})
