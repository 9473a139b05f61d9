// What the kernel sends and what it is sent, as `view/panel.py` and `view/stage.py` write it.
// Tensors travel as bytes beside these descriptions, in a trait that `slot` names.

export type Role = string;

/** The place of a panel's shown part: rows and columns of the whole, and those that were sent. */
export interface Extent {
  rows: number;
  cols: number;
}

export interface Area extends Extent {
  row: number;
  col: number;
}

interface Described extends Extent {
  name: string;
  title: string;
  role: Role;
  slot: string;
  /** The name of its bytes, by their content. */
  buffer: string;
  caption: string;
  alt: string;
  row0: number;
  col0: number;
  shownRows: number;
  shownCols: number;
  /** The panel whose cells this one shares; "" for none. */
  like: string;
  /** Rows above, columns left, rows below, columns right: padding, on a panel of pixels. */
  margin: [number, number, number, number];
  lines: number[];
  unread: [number[], number[]];
  /** The panels that rows and columns of a matrix stand for. */
  ties: string[];
  /** The names of rows and columns of a table. */
  names: [string[], string[]] | [];
  unit: string;
  picked: number[];
  pickable: boolean;
  editable: boolean;
  /** Who computed it, if not PyTorch. */
  by?: string;
  /** The left edge and the words of each bar of a chart, and where the last one ends. */
  spots?: [number, string][];
  end: number;
}

/** A tensor: codes channel by channel, lo + code * (hi - lo) / levels. */
export interface PixelPanel extends Described {
  kind: "pixels";
  dtype: "f32" | "u16" | "u8";
  channels: number;
  firstChannel: number;
  channel: number;
  colour: boolean;
  lo: number;
  hi: number;
  vmin: number;
  vmax: number;
  colormap: string;
}

/** Where each output cell reads: positions of rows, then of columns. */
export interface IndexPanel extends Described {
  kind: "index";
  inRows: number;
  inCols: number;
}

/** A chart as runs of palette colours. */
export interface ChartPanel extends Described {
  kind: "chart";
  runs: number;
  colors: number;
}

/** A row that the stage draws from the panels that it names; see `RowPanel`. */
export interface RowPanelMeta extends Described {
  kind: "row";
  source: string;
  target: string;
  vmin: number;
  vmax: number;
  samples: number;
}

/** All kinds in one, with what only some have: code asks for `kind` where it matters. */
export type PanelMeta = Described &
  Omit<PixelPanel, "kind"> &
  Omit<IndexPanel, "kind"> &
  Omit<ChartPanel, "kind"> &
  Omit<RowPanelMeta, "kind"> & { kind: "pixels" | "index" | "chart" | "row" };

export interface AxisMeta {
  in: number;
  out: number;
  taps: number;
}

export interface LinkMeta {
  source: string;
  target: string;
  slot: string;
  buffer: string;
  channel: number;
  axes: [AxisMeta, AxisMeta];
  kernel?: number;
  firstChannel?: number;
  bias?: number;
  winners?: number;
  back?: string;
}

/** One axis of a link: for every output and tap the input index (-1: none) and the weight. */
export interface Axis extends AxisMeta {
  index: Int32Array;
  weights: Float32Array;
}

/** A link with its bytes read. */
export interface Link extends Omit<LinkMeta, "axes" | "kernel" | "winners"> {
  inputs: number;
  axes: [Axis, Axis];
  kernel: Float32Array | null;
  winners: Int32Array | null;
}

export interface Cell {
  row: number;
  col: number;
  channel?: number;
  weight?: number;
  tap?: { row: number; col: number };
}

export interface WeightedCell extends Cell {
  weight: number;
}

/** A cell of a named panel. */
export interface Spot {
  name: string;
  row: number;
  col: number;
}

export interface Mark {
  cells: Cell[];
  boxes: (Cell & Partial<Extent>)[];
}

export interface Frame {
  /** A counter of the kernel's frames; 0 for one that was sent ahead. */
  id: number;
  /** A digest of all that is shown. */
  name: string;
  panels: PanelMeta[];
  links: LinkMeta[];
  code: string;
  copy: string;
  alert: string;
  /** What a refusal suggests: scale_factor=2. */
  waysOut: string[];
  formula: string;
  hint: string;
  outside: boolean;
  warnings: string[];
  /** The panel whose cells the stepper walks over; "" for none. */
  walk: string;
  stamp: boolean;
  columns: number;
  /** The panels that fill one screen; empty where panels flow. */
  main: string[];
  sameCells: boolean;
  markOutside: boolean;
  strip: Step[];
  merits: Merit[];
}

export interface Step {
  label: string;
  shape: number[] | null;
  role: Role | null;
}

export interface Merit {
  label: string;
  value: string;
  meaning: string;
}

export interface Edit extends Spot {
  panel: string;
  value: number;
  n: number;
}

/** Traits of controls, by the id of the control's model. */
export type States = Record<string, Record<string, unknown>>;

/** (rest, slider, value) → (frame, state of other controls), as `labs/core/ahead.py` writes it. */
export interface StoredMove {
  slider: string;
  /** A name for all that is set beside the slider. */
  rest: string;
  value: number;
  frame: Frame;
  states: States;
}

/** The slider that the shown frame answers ("" for none), and where all of them stand. */
export interface Moves {
  heard?: string;
  sliders?: Record<string, { rest: string; value: number }>;
  states?: States;
}

/** An ipywidget in the page. */
export interface Slider {
  model_id: string;
  /** What the kernel is writing just now. */
  _state_lock?: unknown;
  get(name: string): number;
  set_state(state: Record<string, unknown>): void;
  on(event: string, callback: (slider: Slider) => void): void;
  off(event: string, callback: (slider: Slider) => void): void;
}

/** A move in a page, with where the sliders stand after it. */
export interface PageMove extends StoredMove {
  sliders: Record<string, { rest: string; value: number }>;
}

/** The opening or a preset of a lab in a page: what it shows, and the moves from there. */
export interface Situation {
  name: string;
  /** Situations whose buffers this one has, too. */
  needs: string[];
  shown: PageMove;
  moves: PageMove[];
  /** Base64 of zlib's format, by the name of the content. */
  buffers: Record<string, string>;
}

/** A lab in a page, as `labs/core/page.py` writes it. */
export interface StoredPage {
  models: Record<string, unknown>;
  lab: string;
  stage: string;
  slider: string;
  situations: { name: string; button: string }[];
  palettes: Record<string, string>;
  /** The stage's module. */
  esm: string;
}

export type Control = Slider;

declare global {
  interface Window {
    /** ipywidgets' own front end, which has no types here. */
    rvWidgets: any;
    rvFrames: (situation: Situation) => void;
    rvStored: StoredPage;
    rvLab: any;
  }
}

/** What sentences become in the chosen language; for plurals the forms, and which one 0, 1, … take. */
export type Words = Record<string, string | { forms: string[]; of: number[] }>;

/** The traits of `Stage`. Those in the second half the browser sets. */
export interface Traits {
  frame: Frame;
  moves: Moves;
  words?: Words;
  palettes: Record<string, DataView>;
  progress: { share?: number; text?: string };
  max_upload: number;
  edit: { panel: string; row: number; col: number; value: number; n: number } | { n?: number };
  picked: { panel: string; row: number; col: number; n: number } | { n?: number };
  way_out: { label: string; n: number } | { n?: number };
  upload: { name: string; data: DataView };
  centre: [number, number];
  dark: boolean;
}

/** What anywidget hands to `render`. */
export interface Model {
  get<K extends keyof Traits>(name: K): Traits[K];
  get(slot: string): DataView;
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, callback: (...values: any[]) => void): void;
  off(event: string, callback: (...values: any[]) => void): void;
  /** Where there are other models; not in every front end. */
  widget_manager?: { get_model(id: string): Promise<Slider> };
}

export type Codes = Float32Array | Uint16Array | Uint8Array | Int32Array;
export type Pen = CanvasRenderingContext2D;
export type Rect = [number, number, number, number];
export type BoxOf = (cell: Cell & Partial<Extent>) => Rect;
export type ValueOf = (row: number, col: number, channel?: number) => number;
export interface Sums {
  link?: Link;
  steps: number;
  sums: Float64Array;
}
export interface Near {
  panel: import("./panel_view.js").PanelView;
  cells: Cell[];
  products?: boolean;
  /** The value of the input cell whose contributions to the cells are shown, instead of theirs. */
  adds?: number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What there is for the panels of a one-screen lab: CSS pixels, and device pixels per CSS pixel. */
export interface Room {
  width: number;
  height: number;
  ratio: number;
  /** Main panels; a kernel between them is a part of one. */
  count: number;
  smalls: number;
  charts: number;
  /** Of the longest title of a small panel. */
  letters: number;
}

/** CSS pixels: sides of main and of small panels, height of a chart; and where the small ones are. */
export interface Plan {
  main: number;
  small: number;
  chart: number;
  isBeside: boolean;
  isChartApart: boolean;
}

/** A winner's way from cell to cell. */
export type Way = [
  import("./panel_view.js").PanelView,
  Cell,
  import("./panel_view.js").PanelView,
  Cell,
];

/** Lines between the cells of one panel and one cell of another. */
export interface Bundle {
  panel: import("./panel_view.js").PanelView;
  cells: Cell[];
  other: import("./panel_view.js").PanelView;
  cell: Cell;
  outward: boolean;
}

/** What a row chart shows. Places and columns are counted in columns of x. */
export interface RowScene {
  /** The output cell, and the place of every cell of its row. */
  row: number;
  col: number;
  places: Float32Array;
  place: number;
  /** The columns that are shown, and the range of values. */
  span: [number, number];
  range: [number, number];
  /** A row of x, mixed of its rows as this row of y is; the row of y. */
  mixed: Float64Array;
  outputs: number[];
  /** The kernel, and the columns that it weighs with their weights. */
  offsets: Float32Array;
  weights: Float32Array;
  taps: [number, number][];
}

/** CSS pixels, and device pixels per CSS pixel. */
export interface Size {
  width: number;
  height: number;
  ratio: number;
}

/** The colours of the page, by the names of the stage's CSS variables. */
export type Colours = (
  name: "text" | "quiet" | "line" | "input" | "output" | "kernel",
) => string;
