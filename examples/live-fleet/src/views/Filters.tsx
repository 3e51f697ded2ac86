import { useMemo } from 'react';
import type { Places, Scope } from '../fleet/types';

/** What is chosen among the things that are here; the scope is chosen by the gateway. */
export interface Filter {
  readonly search: string;
  readonly connectivity: 'any' | 'connected' | 'disconnected';
}

export const EVERYTHING: Filter = { search: '', connectivity: 'any' };

interface FiltersProps {
  readonly places: Places;
  readonly scope: Scope;
  readonly filter: Filter;
  readonly onScope: (scope: Scope) => void;
  readonly onFilter: (filter: Filter) => void;
}

export function Filters({ places, scope, filter, onScope, onFilter }: FiltersProps) {
  const organizations = useMemo(() => inTree([...places.organizations.values()]), [places]);
  // Groups of several organizations may have one name.
  const groups = useMemo(() => {
    const all = [...places.groups.values()];
    return organizations
      .filter(({ item }) => scope.organizationId === undefined || item.id === scope.organizationId)
      .map(({ item: { id, name } }) => ({ id, name, groups: inTree(all.filter((group) => group.organization?.id === id)) }));
  }, [organizations, places, scope]);

  return (
    <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Organization</span>
        <select
          value={scope.organizationId ?? ''}
          onChange={({ target: { value } }) => onScope(value === '' ? {} : { organizationId: value })}
        >
          <option value="">All</option>
          {organizations.map(({ item, depth }) => <option key={item.id} value={item.id}>{indented(item.name, depth)}</option>)}
        </select>
      </label>
      <label>
        <span>Group</span>
        <select
          value={scope.groupId ?? ''}
          onChange={({ target: { value } }) => {
            const { organizationId } = scope;
            onScope({ ...(organizationId !== undefined && { organizationId }), ...(value !== '' && { groupId: value }) });
          }}
        >
          <option value="">All</option>
          {groups.map((organization) => (
            <optgroup key={organization.id} label={organization.name}>
              {organization.groups.map(({ item, depth }) => (
                <option key={item.id} value={item.id}>{indented(item.name, depth)}</option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      <label>
        <span>Connection</span>
        <select
          value={filter.connectivity}
          onChange={({ target: { value } }) => onFilter({ ...filter, connectivity: value as Filter['connectivity'] })}
        >
          <option value="any">Any</option>
          <option value="connected">Connected</option>
          <option value="disconnected">Not connected</option>
        </select>
      </label>
      <label>
        <span>Name</span>
        <input
          type="search"
          placeholder="Any"
          value={filter.search}
          onChange={({ target: { value } }) => onFilter({ ...filter, search: value })}
        />
      </label>
    </form>
  );
}

interface InTree {
  readonly id: string;
  readonly name: string;
  readonly parent: { readonly id: string } | null;
}

/** Each after its parent; what has a parent that we may not see stands on top. */
function inTree<Item extends InTree>(items: readonly Item[]): ReadonlyArray<{ item: Item; depth: number }> {
  const known = new Set(items.map((item) => item.id));
  const children = new Map<string | null, Item[]>();
  for (const item of [...items].sort((one, other) => one.name.localeCompare(other.name))) {
    const parent = item.parent !== null && known.has(item.parent.id) ? item.parent.id : null;
    children.set(parent, [...(children.get(parent) ?? []), item]);
  }
  const below = (parent: string | null, depth: number): Array<{ item: Item; depth: number }> =>
    (children.get(parent) ?? []).flatMap((item) => [{ item, depth }, ...below(item.id, depth + 1)]);
  return below(null, 0);
}

function indented(name: string, depth: number): string {
  return '\u2003'.repeat(depth) + name;
}
