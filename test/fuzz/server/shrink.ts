/** Makes the plan of a story that ends badly as small as it gets. */
import type { Plan, Step } from './plan.ts'

/** `fails` tells a story and resolves to true where it still ends badly. Stops after `limitMs`. */
export async function shrink(
  plan: Plan,
  fails: (plan: Plan) => Promise<boolean>,
  limitMs: number,
  now: () => number = () => performance.now(),
): Promise<Plan> {
  const until = now() + limitMs
  let { steps } = plan
  const tries = async (shorter: readonly Step[]): Promise<boolean> => {
    if (now() >= until || !(await fails({ ...plan, steps: shorter }))) return false
    steps = shorter
    return true
  }
  // Pieces of half of it first, then smaller and smaller ones.
  for (let length = Math.ceil(steps.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < steps.length; ) {
      if (!(await tries([...steps.slice(0, at), ...steps.slice(at + length)]))) at += length
    }
  }
  for (let at = 0; at < steps.length; at++) {
    for (let size = (steps[at] as Step).size >> 1; size >= 0; size = size === 0 ? -1 : size >> 1) {
      const smaller = steps.map((step, i) => (i === at ? { ...step, size } : step))
      if ((steps[at] as Step).size === size || !(await tries(smaller))) break
    }
  }
  return { ...plan, steps }
}
