/** Where everything stands on the map: degrees to pixels, and the things of a place packed around it. */

import type { Group, Places, Thing, Values } from '../fleet/types';

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Location {
  readonly latitude: number;
  readonly longitude: number;
}

export interface Dot extends Point {
  readonly id: string;
  readonly connected: boolean;
}

/** A place and the disc that its things fill. */
export interface Disc {
  readonly id: string;
  readonly name: string;
  readonly isSite: boolean;
  readonly count: number;
  readonly radius: number;
  x: number;
  y: number;
}

export interface Projection {
  readonly toPoint: (location: Location) => Point;
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
  readonly pixelsPerKilometre: number;
}

export interface Layout {
  readonly projection: Projection;
  readonly discs: readonly Disc[];
  /** Things that stand at a place. */
  readonly dots: readonly Dot[];
  /** Things that say themselves where they are. */
  readonly travellers: ReadonlySet<string>;
  /** The radius of a dot, in pixels. */
  readonly dotRadius: number;
  /** The size of an arrowhead: 1 for the largest, less when many are on their way. */
  readonly travellerSize: number;
  /** Things of which nobody knows where they are. */
  readonly nowhere: number;
}

const KILOMETRES_PER_DEGREE = 111.32;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const MARGIN = 56;
/** A map of one place shows what is around it, too. */
const LEAST_DEGREES = 0.02;
const LARGE_TRAVELLERS = 60;
/** The part of the map that all discs together may cover. */
const COVERED = 0.2;

/** The position in free data, when there is one. */
export function locationIn(values: Values | undefined): Location | null {
  const { latitude, longitude } = values ?? {};
  return typeof latitude === 'number' && typeof longitude === 'number' ? { latitude, longitude } : null;
}

/** The nearest group that has a position, from a thing's own place upward. */
export function placeOf(thing: Thing, places: Places): Group | null {
  let group = places.groups.get(thing.homeGroup?.id ?? '');
  while (group !== undefined && locationIn(group.metadata) === null) group = places.groups.get(group.parent?.id ?? '');
  return group ?? null;
}

export function arrange(things: Iterable<Thing>, places: Places, width: number, height: number): Layout {
  const byPlace = new Map<Group, Thing[]>();
  const travellers = new Set<string>();
  const locations: Location[] = [];
  let nowhere = 0;
  for (const thing of things) {
    const own = locationIn(thing.state?.reported);
    const place = own === null ? placeOf(thing, places) : null;
    if (own !== null) {
      travellers.add(thing.id);
      locations.push(own);
    } else if (place === null) nowhere += 1;
    else {
      const here = byPlace.get(place);
      if (here === undefined) byPlace.set(place, [thing]);
      else here.push(thing);
    }
  }
  for (const place of byPlace.keys()) locations.push(locationIn(place.metadata) ?? { latitude: 0, longitude: 0 });

  const projection = project(locations, width, height);
  const standing = [...byPlace.values()].reduce((sum, list) => sum + list.length, 0);
  const spacing = Math.min(7.5, Math.max(2.6, Math.sqrt((COVERED * width * height) / (Math.PI * Math.max(1, standing)))));
  const discs = [...byPlace].map(([place, list]): Disc => {
    const point = projection.toPoint(locationIn(place.metadata) ?? { latitude: 0, longitude: 0 });
    const radius = spacing * Math.sqrt(list.length) + spacing;
    return { id: place.id, name: place.name, isSite: place.kind === 'INSTALLATION', count: list.length, radius, ...point };
  });
  separate(discs, width, height);
  const centres = new Map(discs.map((disc) => [disc.id, disc]));
  const dots = [...byPlace].flatMap(([place, list]) => {
    const centre = centres.get(place.id) ?? { x: 0, y: 0 };
    return list.map((thing, number): Dot => {
      const [reach, angle] = [spacing * Math.sqrt(number + 0.5), number * GOLDEN_ANGLE];
      return {
        id: thing.id,
        connected: thing.connected,
        x: centre.x + reach * Math.cos(angle),
        y: centre.y + reach * Math.sin(angle),
      };
    });
  });
  const travellerSize = Math.min(1, Math.max(0.5, Math.sqrt(LARGE_TRAVELLERS / Math.max(1, travellers.size))));
  return { projection, discs, dots, travellers, dotRadius: spacing * 0.52, travellerSize, nowhere };
}

/** Fits all locations into the box, with north on top and the same scale in both directions. */
function project(locations: readonly Location[], width: number, height: number): Projection {
  const latitudes = locations.map(({ latitude }) => latitude);
  const longitudes = locations.map(({ longitude }) => longitude);
  const bounds = { south: min(latitudes, 0), north: max(latitudes, 1), west: min(longitudes, 0), east: max(longitudes, 1) };
  const middle = { latitude: (bounds.south + bounds.north) / 2, longitude: (bounds.west + bounds.east) / 2 };
  const squeeze = Math.cos((middle.latitude * Math.PI) / 180);
  const scale = Math.min(
    Math.max(1, width - 2 * MARGIN) / Math.max(LEAST_DEGREES, (bounds.east - bounds.west) * squeeze),
    Math.max(1, height - 2 * MARGIN) / Math.max(LEAST_DEGREES, bounds.north - bounds.south),
  );
  return {
    toPoint: ({ latitude, longitude }) => ({
      x: width / 2 + (longitude - middle.longitude) * squeeze * scale,
      y: height / 2 - (latitude - middle.latitude) * scale,
    }),
    west: middle.longitude - width / 2 / squeeze / scale,
    east: middle.longitude + width / 2 / squeeze / scale,
    south: middle.latitude - height / 2 / scale,
    north: middle.latitude + height / 2 / scale,
    pixelsPerKilometre: scale / KILOMETRES_PER_DEGREE,
  };
}

/** Pushes discs that overlap apart, little by little, and keeps them inside. There are dozens of them, not thousands. */
function separate(discs: readonly Disc[], width: number, height: number): void {
  for (let round = 0; round < 80; round += 1) {
    for (const [index, one] of discs.entries()) {
      for (const other of discs.slice(index + 1)) {
        const [dx, dy] = [other.x - one.x || 0.1, other.y - one.y || 0.1];
        const distance = Math.hypot(dx, dy);
        // A name wants to stand between them.
        const overlap = one.radius + other.radius + 16 - distance;
        if (overlap <= 0) continue;
        const push = overlap / distance / 4;
        one.x -= dx * push;
        one.y -= dy * push;
        other.x += dx * push;
        other.y += dy * push;
      }
    }
    for (const disc of discs) {
      disc.x = Math.min(width - disc.radius - 8, Math.max(disc.radius + 8, disc.x));
      disc.y = Math.min(height - disc.radius - 44, Math.max(disc.radius + 32, disc.y));
    }
  }
}

/** `Math.min(...list)` takes no list of ten thousands. */
function min(list: readonly number[], otherwise: number): number {
  return list.length === 0 ? otherwise : list.reduce((least, value) => Math.min(least, value), Infinity);
}

function max(list: readonly number[], otherwise: number): number {
  return list.length === 0 ? otherwise : list.reduce((most, value) => Math.max(most, value), -Infinity);
}
