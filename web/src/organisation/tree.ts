/** The flat list of the service as a tree. */
import type { Organisation, OrganisationKind } from '../api/model'

export interface Node extends Organisation {
  children: Node[]
}

/** School 2 before school 10. */
const byName = new Intl.Collator('zh-CN', { numeric: true })

/** Roots are the nodes whose parent is not in the list: one's own organisation, not the top of the deployment. */
export function asTree(items: readonly Organisation[]): Node[] {
  const nodes = new Map(items.map((item): [string, Node] => [item.id, { ...item, children: [] }]))
  const roots: Node[] = []
  const inOrder = [...nodes.values()].sort((a, b) => a.depth - b.depth || byName.compare(a.name, b.name))
  for (const node of inOrder) {
    const parent = node.parent_id ? nodes.get(node.parent_id) : undefined
    if (parent) parent.children.push(node)
    else roots.push(node)
  }
  return roots
}

/** Those whose names hold the words, with everything above them. */
export function matching(items: readonly Organisation[], words: string): Organisation[] {
  const wanted = words.trim().toLowerCase()
  if (!wanted) return [...items]
  const kept = new Set(items.filter((item) => item.name.toLowerCase().includes(wanted)).flatMap((item) => item.path.split('/').filter(Boolean)))
  return items.filter((item) => kept.has(item.id))
}

/** Which nodes stand open at first: the top, and those below it that have few of their own. */
export function openAtFirst(tree: readonly Node[], few = 20): string[] {
  return tree.flatMap((root) => [root.id, ...root.children.filter((child) => child.children.length <= few).map((child) => child.id)])
}

/** Names from the topmost known ancestor down to the node itself. */
export function pathNames(items: readonly Organisation[], id: string): string[] {
  const byId = new Map(items.map((item) => [item.id, item]))
  const names: string[] = []
  for (let item = byId.get(id); item && names.length < 8; item = item.parent_id ? byId.get(item.parent_id) : undefined) {
    names.unshift(item.name)
  }
  return names
}

const order: OrganisationKind[] = ['nation', 'province', 'prefecture', 'county', 'school']

/** The kinds that may stand below a node; nothing stands below a school. */
export function kindsBelow(kind: OrganisationKind): OrganisationKind[] {
  return order.slice(order.indexOf(kind) + 1)
}
