/** The map on its canvas. Draws when something has changed, and while something fades; else it rests. */

import type { Model } from '../fleet/model';
import type { Places } from '../fleet/types';
import { arrange, locationIn, type Layout, type Point } from './layout';
import { flashPictures, paintChoice, paintFlash, paintStill, paintTraveller, paletteOf, type Palette } from './paint';

const FLASH_MS = 1_100;
const TRAIL_LENGTH = 16;
/** How near, in pixels, a pointer has to be. */
const REACH = 9;
const TRAVELLER_RADIUS = 5;

export class MapPainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #model: Model;
  readonly #still = document.createElement('canvas');
  readonly #calm = window.matchMedia('(prefers-reduced-motion: reduce)');
  readonly #dark = window.matchMedia('(prefers-color-scheme: dark)');
  readonly #trails = new Map<string, Array<{ latitude: number; longitude: number }>>();
  readonly #ends: Array<() => void>;
  #places: Places | null = null;
  #listed: readonly string[] = [];
  #chosen: string | null = null;
  #layout: Layout | null = null;
  #palette: Palette;
  /** Where each thing is drawn. */
  #points = new Map<string, Point>();
  /** Of a fading report, by the radius of the dot. */
  readonly #pictures = new Map<number, readonly HTMLCanvasElement[]>();
  #frame = 0;

  constructor(canvas: HTMLCanvasElement, model: Model) {
    this.#canvas = canvas;
    this.#model = model;
    this.#palette = paletteOf(canvas);
    const resized = new ResizeObserver(() => this.#arrange());
    resized.observe(canvas);
    const recolour = (): void => {
      this.#palette = paletteOf(canvas);
      this.#arrange();
    };
    this.#dark.addEventListener('change', recolour);
    this.#ends = [
      model.subscribe(() => this.#travel()),
      () => resized.disconnect(),
      () => this.#dark.removeEventListener('change', recolour),
      () => cancelAnimationFrame(this.#frame),
    ];
  }

  dispose(): void {
    for (const end of this.#ends) end();
  }

  /** The things to draw; to be called when they are others, or are connected or not. Returns how many have no place. */
  show(listed: readonly string[], places: Places): number {
    this.#listed = listed;
    this.#places = places;
    this.#arrange();
    return this.#layout?.nowhere ?? 0;
  }

  choose(id: string | null): void {
    this.#chosen = id;
    this.#drawSoon();
  }

  /** The thing under a pointer. */
  at(x: number, y: number): string | null {
    let [nearest, least]: [string | null, number] = [null, REACH];
    for (const [id, point] of this.#points) {
      const distance = Math.hypot(point.x - x, point.y - y);
      if (distance < least) [nearest, least] = [id, distance];
    }
    return nearest;
  }

  #arrange(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (this.#places === null || width === 0 || height === 0) return;
    const ratio = window.devicePixelRatio;
    for (const canvas of [this.#canvas, this.#still]) {
      canvas.width = width * ratio;
      canvas.height = height * ratio;
    }
    const { things } = this.#model.snapshot();
    const shown = this.#listed.flatMap((id) => things.get(id) ?? []);
    const layout = arrange(shown, this.#places, width, height);
    this.#layout = layout;
    this.#pictures.clear();
    this.#points = new Map(layout.dots.map((dot) => [dot.id, dot]));
    const pen = this.#still.getContext('2d');
    if (pen !== null) {
      pen.scale(ratio, ratio);
      paintStill(pen, layout, this.#palette, { x: width, y: height });
    }
    this.#travel();
  }

  /** Notes where the travelling things are now. */
  #travel(): void {
    const { things } = this.#model.snapshot();
    for (const id of this.#layout?.travellers ?? []) {
      const location = locationIn(things.get(id)?.state?.reported);
      if (location === null || this.#layout === null) continue;
      const trail = this.#trails.get(id) ?? [];
      const last = trail.at(-1);
      if (last?.latitude !== location.latitude || last.longitude !== location.longitude) trail.push(location);
      this.#trails.set(id, trail.slice(-TRAIL_LENGTH));
      this.#points.set(id, this.#layout.projection.toPoint(location));
    }
    this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((time) => this.#draw(time));
  }

  #draw(time: number): void {
    this.#frame = 0;
    const [pen, layout] = [this.#canvas.getContext('2d'), this.#layout];
    if (pen === null || layout === null) return;
    const ratio = window.devicePixelRatio;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(this.#still, 0, 0);
    pen.scale(ratio, ratio);
    const { things } = this.#model.snapshot();
    for (const id of layout.travellers) {
      const trail = (this.#trails.get(id) ?? []).map(layout.projection.toPoint);
      paintTraveller(pen, trail, things.get(id)?.connected === true, layout.travellerSize, this.#palette);
    }
    let fading = false;
    for (const [id, at] of this.#model.reportedAt) {
      const [point, age] = [this.#points.get(id), Math.max(0, (time - at) / FLASH_MS)];
      if (point === undefined || age >= 1) continue;
      fading = true;
      const radius = this.#radiusOf(id);
      paintFlash(pen, point, radius, this.#calm.matches ? 0 : age, this.#picturesFor(radius));
    }
    const chosen = this.#points.get(this.#chosen ?? '');
    if (chosen !== undefined) paintChoice(pen, chosen, this.#radiusOf(this.#chosen ?? ''), this.#palette);
    if (fading) this.#drawSoon();
  }

  #radiusOf(id: string): number {
    if (this.#layout === null) return 0;
    const { travellers, travellerSize, dotRadius } = this.#layout;
    return travellers.has(id) ? TRAVELLER_RADIUS * travellerSize : dotRadius;
  }

  #picturesFor(radius: number): readonly HTMLCanvasElement[] {
    const made = this.#pictures.get(radius) ?? flashPictures(radius, this.#palette, window.devicePixelRatio);
    this.#pictures.set(radius, made);
    return made;
  }
}
