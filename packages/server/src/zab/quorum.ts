/** Which sets of servers are a quorum: majority, hierarchical, or both of two configurations. It decides nothing else. */
import type { Membership, Voter } from '../config/membership.ts'

export interface Quorum {
  /** All servers with a vote in one of the configurations. */
  readonly voters: readonly number[]
  /** Whether these servers, each listed once, are a quorum of every configuration. Servers without a vote are ignored. */
  has(sids: readonly number[]): boolean
  /** 0 for a server that must not lead. */
  weightOf(sid: number): number
}

/** With two configurations a set must be a quorum of both: only then do an old and a new quorum overlap. */
export function quorumOf(...memberships: readonly Membership[]): Quorum {
  const rules = memberships.map(({ voters }) => ruleOf(voters))
  const weights = new Map(memberships.flatMap(({ voters }) => voters).map(({ sid, weight }) => [sid, weight]))
  return {
    voters: [...weights.keys()].sort((a, b) => a - b),
    has: (sids) => rules.every((rule) => rule(sids)),
    weightOf: (sid) => weights.get(sid) ?? 0,
  }
}

type Rule = (sids: readonly number[]) => boolean

function ruleOf(voters: readonly Voter[]): Rule {
  const isMajority = voters.every(({ group, weight }) => group === voters[0]?.group && weight === 1)
  return isMajority ? majority(voters) : hierarchical(voters)
}

function majority(voters: readonly Voter[]): Rule {
  const members = new Set(voters.map(({ sid }) => sid))
  return (sids) => {
    let count = 0
    for (const sid of sids) if (members.has(sid)) count++
    return count * 2 > members.size
  }
}

/** A group agrees when more than half of its weight agrees; a quorum is more than half of the groups with weight. */
function hierarchical(voters: readonly Voter[]): Rule {
  const members = new Map(voters.map((voter) => [voter.sid, voter]))
  const whole = new Map<number, number>()
  for (const { group, weight } of voters) whole.set(group, (whole.get(group) ?? 0) + weight)
  const groups = [...whole].filter(([, weight]) => weight > 0)
  return (sids) => {
    const part = new Map<number, number>()
    for (const sid of sids) {
      const voter = members.get(sid)
      if (voter !== undefined) part.set(voter.group, (part.get(voter.group) ?? 0) + voter.weight)
    }
    const agreeing = groups.filter(([group, weight]) => (part.get(group) ?? 0) * 2 > weight)
    return agreeing.length * 2 > groups.length
  }
}
