/** What the answers of servers mean for their ensemble, in sentences for people who are on call. */
import type { MemberItem, ServerItem } from '../api.ts'

/** The members in the text of `/zookeeper/config`: `server.1=host:2888:3888:participant;0.0.0.0:2181`. */
export function membersIn(text: string): MemberItem[] {
  return text.split('\n').flatMap((line): MemberItem[] => {
    const [, id, rest] = /^server\.(\d+)=(.*)$/.exec(line.trim()) ?? []
    if (id === undefined || rest === undefined) return []
    const [addresses = '', client] = rest.split(';')
    const parts = addresses.split(':')
    const last = parts.at(-1) ?? ''
    const role = last === 'observer' || last === 'participant' ? last : 'participant'
    const own = role === last ? parts.slice(0, -1) : parts
    return [{ id, role, address: own.join(':'), ...(client !== undefined && client !== '' && { client }) }]
  })
}

export interface EnsembleView {
  readonly servers: readonly ServerItem[]
  /** Empty where the configuration names none, or cannot be read. */
  readonly members: readonly MemberItem[]
}

/** Who leads, how many may fail, and what is not known. */
export function ensembleSentences({ servers, members }: EnsembleView): string[] {
  const answering = servers.filter(({ role }) => role !== undefined)
  if (answering.length === 0) return [nobodyServes(servers, members)]
  if (members.length === 0 && servers.length === 1) {
    return answering[0]?.role === 'standalone'
      ? ['One server that stands alone: while it is down, no client is served.']
      : []
  }
  const notes: string[] = []
  const voters = members.filter(({ role }) => role === 'participant').length
  const leaders = answering.filter(({ role }) => role === 'leader')
  const [leader] = leaders
  if (leaders.length > 1) {
    notes.push(
      `${leaders.map(({ server }) => server).join(' and ')} both say that they lead: one of them has not noticed yet that it does not, or they belong to two ensembles.`,
    )
  } else if (leader !== undefined) notes.push(leads(leader, voters))
  else if (answering.some(({ role }) => role === 'standalone')) {
    notes.push('These servers stand alone: each has a tree of its own, and clients see one or the other.')
  } else if (answering.length === servers.length && servers.length >= members.length) {
    notes.push('No server leads: no client can write until a majority of the members has elected one.')
  } else notes.push('No server that answers leads; the leader may be one that does not answer or is not asked.')
  if (servers.length < members.length) {
    const all = 'start the console with all of them to see all'
    notes.push(`The ensemble has ${members.length} members, and the console asks ${servers.length}: ${all}.`)
  }
  const behind = answering.filter(({ lag = 0 }) => lag > 1_000)
  for (const { server, lag } of behind)
    notes.push(`${server} is ${lag} transactions behind: its clients read old data.`)
  return notes
}

/** No server says a role. */
function nobodyServes(servers: readonly ServerItem[], members: readonly MemberItem[]): string {
  const running = servers.filter(({ silence }) => silence !== 'away').length
  if (running === 0) return 'No server answers.'
  if (servers.every(({ silence }) => silence !== 'idle')) return 'No server says what it is.'
  if (members.length === 0) return 'No server serves clients.'
  const majority = majorityOf(members)
  const seen =
    servers.length < members.length
      ? ''
      : ` ${running} of ${members.length} members ${running === 1 ? 'answers' : 'answer'}.`
  return `No server serves clients: ${majority} members with a vote must run and elect a leader.${seen}`
}

function majorityOf(members: readonly MemberItem[]): number {
  return Math.floor(members.filter(({ role }) => role === 'participant').length / 2) + 1
}

function leads({ server, figures }: ServerItem, voters: number): string {
  const synced = figures['synced_followers']
  if (voters === 0 || synced === undefined) return `${server} leads.`
  const inSync = Number(synced) + 1
  const majority = Math.floor(voters / 2) + 1
  const spare = inSync - majority
  const more =
    spare > 0
      ? `${spare} of them may fail, and writes go on.`
      : spare === 0
        ? 'If one more fails, writes stop.'
        : 'That is no majority: writes stop.'
  return `${server} leads. ${inSync} of ${voters} members with a vote are up to date. ${more}`
}
