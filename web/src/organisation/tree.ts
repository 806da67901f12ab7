/** The flat list of the service as a tree. */
import type { Organisation, OrganisationKind } from '../api/model'

export interface Node extends Organisation {
  children: Node[]
}

/** Roots are the nodes whose parent is not in the list: one's own organisation, not the top of the deployment. */
export function asTree(items: readonly Organisation[]): Node[] {
  const nodes = new Map(items.map((item): [string, Node] => [item.id, { ...item, children: [] }]))
  const roots: Node[] = []
  for (const node of nodes.values()) {
    const parent = node.parent_id ? nodes.get(node.parent_id) : undefined
    if (parent) parent.children.push(node)
    else roots.push(node)
  }
  return roots
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
