/** Stories that ended badly once, made small. Each is told again in every run. */
import type { Plan } from './plan.ts'

export const found: readonly { readonly name: string; readonly plan: Plan }[] = []
