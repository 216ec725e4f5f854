// What `edu_pipeline/attainment/page.py` puts into the page's data block, and what is global on the page.

export type Outcome = "below" | "met" | "exceeded" | "none";

/** A column of the export: a value per student, or per row where it differs by subject (a class). */
export interface Group {
  name: string;
  values: string[];
  per: "row" | "student";
  /** Student or row → its place in `values`. */
  of: number[];
}

/** Every student in every subject, as columns. */
export interface Rows {
  /** Row → its place in `students`. */
  student: number[];
  subject: number[];
  /** Series → row → points. */
  points: (number | null)[][];
  /** Series → rows. */
  absent: number[][];
  /** Row → the series that is compared with the baseline; −1 where there is none. */
  compared: number[];
  /** Row → the baseline as it is compared. */
  against: (number | null)[];
}

export interface Box {
  n: number | null;
  q1: number | null;
  median: number | null;
  q3: number | null;
  low?: number;
  high?: number;
  mean?: number;
}

export interface Mean {
  subject: string;
  column: string;
  group: string;
  n: number | null;
  mean: number | null;
  low: number | null;
  high: number | null;
  shrunk: number | null;
  residual: number | null;
  n_residual: number | null;
  residual_low: number | null;
  residual_high: number | null;
  below: number | null;
  met: number | null;
  exceeded: number | null;
  waiting: string | null;
}

export interface ApartRow {
  name: string;
  x: number;
  y: number;
  n: number | null;
  n_residual: number | null;
  low: number | null;
  high: number | null;
  residual_low: number | null;
  residual_high: number | null;
  waiting: string | null;
  size: number;
  wide: string;
  narrow: string;
}

export interface MatrixTable {
  subject: string;
  of: string;
  columns: string;
  /** Row's grade, column's grade, how many; null where they are too few. */
  cells: [number, number, number | null][];
  totals: [number, number | null][];
}

export interface Matrix {
  title: string;
  rows: string;
  columns: string;
  figure: string;
  series?: string;
  tables: MatrixTable[];
}

export interface LeftOut {
  subject: string;
  series: string;
  included: number | null;
  out: [string, number | null][];
}

/** The grades of a kind of qualification. */
export interface Scale {
  title: string;
  top: number;
  ticks: number[];
  /** Points → grade. */
  names: Record<string, string>;
  /** Whole points → the grades that begin there. */
  wholes: string[];
}

/** Headline measures of a group; shares are from 0 to 1. */
export interface GroupMeasures {
  column: string;
  group: string;
  students: number;
  n: number;
  attainment_8: number | null;
  attainment_8_low: number | null;
  attainment_8_high: number | null;
  mean_english: number | null;
  mean_maths: number | null;
  mean_ebacc: number | null;
  mean_ebacc_filled: number | null;
  mean_open: number | null;
  mean_open_filled: number | null;
  ebacc_entered: number;
  ebacc_entered_share: number | null;
  ebacc_entered_low: number | null;
  ebacc_entered_high: number | null;
  ebacc_points: number | null;
  ebacc_points_low: number | null;
  ebacc_points_high: number | null;
}

export interface Measures {
  /** Why they are not shown; nothing else is there then. */
  why: string | null;
  rules: string;
  compared: string;
  notes: string[];
  groups: GroupMeasures[];
  /** Measure → student → value. */
  of: {
    attainment_8: (number | null)[];
    english: (number | null)[];
    english_doubled: (boolean | null)[];
    maths: (number | null)[];
    ebacc: (number | null)[];
    ebacc_from: (string | null)[];
    open: (number | null)[];
    open_from: (string | null)[];
    ebacc_entered: (boolean | null)[];
    ebacc_points: (number | null)[];
    why_not: (string | null)[];
  };
}

/** This year's and last year's number of students, value, and the difference with its interval. */
export type Beside = [
  number,
  number,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
];

export interface YearRow {
  subject: string;
  series: string;
  of: Record<string, Beside>;
}

export interface ForecastRow {
  subject: string;
  threshold: number;
  series: string;
  n: number;
  share: number;
  low80: number;
  high80: number;
  low95: number;
  high95: number;
  from_n: number;
}

export interface Forecast {
  said: string;
  rows: ForecastRow[];
  /** Subject → the mock, and grade in it → probability of each final from U on. */
  grades: Record<string, { series: string; of: Record<string, number[]> }>;
}

export interface Data {
  scales: Record<string, Scale>;
  /** Subject → its scale. */
  scale_of: string[];
  /** That of all subjects together. */
  commonest: string;
  edition: "staff" | "shareable";
  cohort: string;
  series: string[];
  baseline: number | null;
  subjects: string[];
  fewest: number;
  row_height: number;
  specs: Record<string, object>;
  means: Mean[];
  apart: { most: number; rows: ApartRow[] };
  matrices: Matrix[];
  left_out: Record<string, LeftOut[]>;
  final_name: string;
  baseline_name: string;
  /** From here on only in the edition for staff. */
  final: number;
  tolerance: number;
  rounding: string;
  students: string[];
  /** Changes when students or groups do: places in a link are good for as long as it is the same. */
  people: string;
  /** Each student's best English and maths; empty where there is no headline. */
  core: { english?: (number | null)[]; maths?: (number | null)[] };
  /** Figure, series, subject (null: all), reason, students left out of it. */
  who_left: [string, string, number | null, string, number[]][];
  groups: Group[];
  not_stated: string;
  only_baseline: number[];
  rows: Rows;
  /** Series → row → the grade as received, where it is not written as its points are. */
  received: Record<string, string>[];
  /** Series → row → the whole grade, where it is not that of the points rounded down. */
  wholes: Record<string, number>[];
  /** Targets and predictions: row → points. */
  references: { name: string; role: "target" | "prediction"; of: (number | null)[] }[];
  dots: { spread: number; lift: number; crowd: number };
  measures: Measures | null;
  years: { last: string | null; why: string | null; rows: YearRow[] };
  forecast: Forecast | null;
  /** Only in the edition to share: subject → series. */
  boxes: (Box | null)[][];
}

export interface Scale {
  (value: number | string): number;
  invert(pixels: number): number;
  bandwidth(): number;
}

/** What is used of a Vega view. */
export interface View {
  width(pixels: number): View;
  height(): number;
  height(pixels: number): View;
  signal(name: string, value: unknown): View;
  data(name: string, rows: object[]): View;
  run(): View;
  runAsync(): Promise<View>;
  origin(): [number, number];
  padding(): { left: number; top: number };
  scale(name: string): Scale;
}

declare global {
  function vegaEmbed(place: Element, spec: object, options: object): Promise<{ view: View }>;
}
