import { connect } from '@lightkeeper/client'
import { lock } from '@lightkeeper/recipes'
import { proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { isAlive, numbersIn, Running } from '../running.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`lightkeeper lock on ${targetName}: skipped, because ${reason}`)

/** Says its own process and that of one it has started; hears SIGTERM and goes on, if `isDeaf`. */
const family = (isDeaf: boolean): string[] => [
  'sh',
  '-c',
  `trap 'echo told${isDeaf ? '' : '; exit 0'}' TERM; sh -c "trap '' TERM; while :; do sleep 0.1; done" & echo $$ $!; while :; do sleep 0.1; done`,
]

/** A session short enough to wait for its end. */
const short = ['--session-timeout', '4000', '--grace', '300']

describe.skipIf(reason !== undefined)(`lightkeeper lock on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const run = (path: string, args: readonly string[], command: readonly string[], to = server.connectString): Running =>
    new Running(['lock', path, '-s', to, '--session-timeout', '10000', ...args, '--', ...command])
  const node = (program: string): string[] => [process.execPath, '-e', program]

  test('runs the command while the lock is held, with its input, output, exit code and environment', async () => {
    await using zk = await connect(server)
    await using running = run(
      '/a',
      ['--data', 'me'],
      ['sh', '-c', 'read x; env | grep ^LIGHTKEEPER; echo $x; read x; exit 7'],
    )
    running.child.stdin?.write('hello\n')
    await running.untilLine('hello')
    const [holder] = await lock(zk, '/a').holders()
    expect(new TextDecoder().decode(holder?.data)).toBe('me')
    const { stat } = await zk.get(holder?.path ?? '/')
    expect(running.lines).toEqual(
      expect.arrayContaining([
        `LIGHTKEEPER_FENCING_TOKEN=${stat.czxid}`,
        `LIGHTKEEPER_ZNODE=${holder?.path}`,
        'LIGHTKEEPER_PATH=/a',
        `LIGHTKEEPER_SERVER=${server.connectString}`,
      ]),
    )
    expect(await lock(zk, '/a').tryAcquire()).toBeUndefined()
    running.child.stdin?.write('go\n')
    expect((await running.ended).code).toBe(7)
    expect(await lock(zk, '/a').holders()).toEqual([])
    expect(running.errors).toBe('')
  })

  test.each([
    [['sh', '-c', 'kill -9 $$'], 137, ''],
    [['/no/such/command'], 127, '/no/such/command: not found'],
    [['/etc'], 126, '/etc: Permission denied'],
  ])('%j ends with %i, and the lock is free', async (command, code, words) => {
    await using running = run('/codes', [], command)
    expect((await running.ended).code).toBe(code)
    expect(running.errors).toContain(words)
    await using zk = await connect(server)
    expect((await zk.children('/codes')).children).toEqual([])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('passes %s on and waits', async (signal) => {
    const program = `process.on('${signal}', () => setTimeout(() => { console.log('heard'); process.exit(5) }, 50)); console.log('there'); setInterval(() => {}, 1000)`
    await using running = run('/signals', [], node(program))
    await running.untilLine('there')
    expect(await running.end(signal)).toBe(5)
    expect(running.lines).toEqual(['there', 'heard'])
  })

  test('waits for its turn; gives up after --timeout, or by a signal, and leaves nothing in the line', async () => {
    await using zk = await connect(server)
    const held = await lock(zk, '/turn', { data: 'worker-7' }).acquire()
    const who = `"worker-7" ${held.path} since `
    await using atOnce = run('/turn', ['--timeout', '0'], ['echo', 'never'])
    expect((await atOnce.ended).code).toBe(1)
    expect(atOnce.errors).toContain(`lightkeeper lock: /turn is held by ${who}`)
    await using soon = run('/turn', ['--timeout', '50'], ['echo', 'never'])
    expect((await soon.ended).code).toBe(1)
    expect(soon.errors).toContain(`/turn was not free within 50 ms: held by ${who}`)
    expect(soon.errors).toContain('number 2 of 2 in line')

    await using patient = run('/turn', [], ['echo', 'now'])
    await using ended = run('/turn', [], ['echo', 'never'])
    while ((await lock(zk, '/turn').waiting()).length < 2) await zk.sync()
    expect(await ended.end('SIGTERM')).toBe(143)
    expect((await zk.children('/turn')).children).toHaveLength(2)
    expect(patient.output).toBe('')
    // A waiting command says why.
    expect(await patient.until(({ errors }) => (errors === '' ? undefined : errors))).toContain(
      `waits for /turn, held by ${who}`,
    )
    await held.release()
    expect((await patient.ended).code).toBe(0)
    expect(patient.lines).toEqual(['now'])
    expect([atOnce.output, soon.output, ended.output]).toEqual(['', '', ''])
    expect((await zk.children('/turn')).children).toEqual([])
  })

  test('with --shared runs beside others, and not beside one without', async () => {
    await using first = run('/shared', ['--shared'], ['sh', '-c', 'echo in; read x'])
    await using second = run('/shared', ['--shared'], ['sh', '-c', 'echo in; read x'])
    await first.untilLine('in')
    await second.untilLine('in')
    await using alone = run('/shared', ['--timeout', '0'], ['true'])
    expect((await alone.ended).code).toBe(1)
  })

  test('lets the command run for longer than its session would last, while all is well, and reports as JSON', async () => {
    await using running = run('/long', ['--json', '--session-timeout', '2000', '--grace', '300'], ['sleep', '3'])
    expect((await running.ended).code).toBe(0)
    expect(running.facts('errors').map(({ event }) => event)).toEqual(['held', 'started', 'ended'])
    expect(running.facts('errors')[0]).toEqual({
      event: 'held',
      path: '/long',
      znode: expect.stringMatching(/^\/long\/_c_.*-lock-0000000000$/),
      fencingToken: expect.stringMatching(/^\d+$/),
    })
  })

  // In each of these, a rival has the lock as soon as the server gives it away: then nothing may run any more.
  describe.concurrent('before another can have the lock, has stopped the command and what it started', () => {
    test.each([
      ['that ends when it is told', false],
      ['that does not listen', true],
    ])('%s, where the network is cut', async (_, isDeaf) => {
      await using wire = await proxy(server.port)
      await using zk = await connect(server)
      await using running = run(`/cut-${isDeaf}`, short, family(isDeaf), wire.connectString)
      const processes = await running.until(({ lines }) => numbersIn(lines[0]))
      expect(processes.map(isAlive)).toEqual([true, true])
      const rival = lock(zk, `/cut-${isDeaf}`).acquire()
      wire.hang()
      await using _held = await rival
      expect(processes.map(isAlive)).toEqual([false, false])
      expect((await running.ended).code).toBe(1)
      expect(running.lines.slice(1)).toEqual(['told'])
      expect(running.errors).toContain('the command was stopped')
    })

    test.each(['SIGKILL', 'SIGSTOP'] as const)('where lightkeeper itself gets %s', async (signal) => {
      await using zk = await connect(server)
      await using running = run(`/${signal}`, short, family(true))
      const processes = await running.until(({ lines }) => numbersIn(lines[0]))
      const rival = lock(zk, `/${signal}`).acquire()
      running.kill(signal)
      await using _held = await rival
      // The process id of a killed process exists until its parent, which is stopped, waits for it.
      expect(processes.map(isAlive)).toEqual([false, false])
      expect(running.lines.slice(1)).toEqual(['told'])
      if (signal === 'SIGKILL') return
      running.kill('SIGCONT')
      expect((await running.ended).code).toBe(1)
    })
  })

  test('kills the command where its znode is deleted by another', async () => {
    await using zk = await connect(server)
    await using running = run('/deleted', [], ['sh', '-c', 'echo $$; exec sleep 60'])
    await running.until(({ lines }) => numbersIn(lines[0]))
    const [holder] = await lock(zk, '/deleted').holders()
    await zk.delete(holder?.path ?? '/')
    expect((await running.ended).code).toBe(1)
    expect(running.errors).toContain('/deleted was lost, the command was stopped')
  })

  test('sends the command SIGTERM alone when another client asks for the lock', async () => {
    await using zk = await connect(server)
    await using running = run('/asked', [], ['sh', '-c', "trap 'exit 3' TERM; echo in; while :; do sleep 0.1; done"])
    await running.untilLine('in')
    await lock(zk, '/asked').revoke()
    expect((await running.ended).code).toBe(3)
  })
})
