// Tables as files: Excel and CSV, and text for the clipboard. A text stays a text there: nothing that a
// school's system had in a cell is ever executed by what opens the file.

import { el } from "./dom.js";

/** @typedef {string | number | null | undefined} Value */
/** @typedef {readonly (readonly Value[])[]} Grid With its headings. */

const EXECUTED = /^[\s]*[=+\-@]|^[\t\r\n]/;

/**
 * What a spreadsheet would take for a formula begins with an apostrophe.
 * @param {Value} value
 */
const defused = (value) =>
  typeof value === "string" && EXECUTED.test(value) ? `'${value}` : String(value ?? "");

/** @param {Grid} grid */
export const csv = (grid) =>
  `\uFEFF${
    grid.map((row) =>
      row.map(defused).map((text) =>
        /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
      )
        .join(",")
    ).join("\r\n")
  }\r\n`;

/** @param {Grid} grid */
export const tabbed = (grid) =>
  grid.map((row) => row.map((value) => defused(value).replace(/[\t\r\n]+/g, " ")).join("\t")).join(
    "\n",
  );

/** @param {string} text */
const xml = (text) =>
  // deno-lint-ignore no-control-regex
  text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "").replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** @param {number} at */
const letters = (at) => {
  let found = "";
  for (let rest = at + 1; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    found = String.fromCharCode(65 + ((rest - 1) % 26)) + found;
  }
  return found;
};

/**
 * @param {Value} value
 * @param {string} place
 * @param {boolean} head
 */
function cell(value, place, head) {
  if (value === null || value === undefined || value === "") return "";
  const style = head ? ' s="1"' : "";
  return typeof value === "number"
    ? `<c r="${place}"${style}><v>${value}</v></c>`
    : `<c r="${place}"${style} t="inlineStr"><is><t xml:space="preserve">${
      xml(value)
    }</t></is></c>`;
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";

/** @param {Grid} grid */
function sheet(grid) {
  const width = Math.max(...grid.map((row) => row.length));
  const widths = Array.from(
    { length: width },
    (_, at) => Math.min(40, 3 + Math.max(...grid.map((row) => String(row[at] ?? "").length))),
  );
  const last = `${letters(width - 1)}${grid.length}`;
  return `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${
    widths.map((each, at) =>
      `<col min="${at + 1}" max="${at + 1}" width="${each}" customWidth="1"/>`
    )
      .join("")
  }</cols><sheetData>${
    grid.map((row, n) =>
      `<row r="${n + 1}">${
        row.map((value, at) => cell(value, `${letters(at)}${n + 1}`, n === 0)).join("")
      }</row>`
    ).join("")
  }</sheetData><autoFilter ref="A1:${last}"/></worksheet>`;
}

/**
 * A workbook with one sheet.
 * @param {Grid} grid
 */
export const xlsx = (grid) =>
  zip({
    "[Content_Types].xml":
      `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`,
    "_rels/.rels":
      `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml":
      `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels":
      `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
    "xl/styles.xml":
      `${HEAD}<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/></cellXfs></styleSheet>`,
    "xl/worksheets/sheet1.xml": sheet(grid),
  });

const CRC = Array.from({ length: 256 }, (_, n) => {
  let rest = n;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? 0xEDB88320 ^ (rest >>> 1) : rest >>> 1;
  return rest >>> 0;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let found = 0xFFFFFFFF;
  for (const byte of bytes) found = CRC[(found ^ byte) & 0xFF] ^ (found >>> 8);
  return (found ^ 0xFFFFFFFF) >>> 0;
}

/**
 * Numbers as a zip has them: sizes in bytes beside each.
 * @param {readonly (readonly [number, 2 | 4])[]} numbers
 */
function packed(numbers) {
  const bytes = new DataView(new ArrayBuffer(numbers.reduce((all, [, size]) => all + size, 0)));
  let at = 0;
  for (const [number, size] of numbers) {
    if (size === 2) bytes.setUint16(at, number, true);
    else bytes.setUint32(at, number, true);
    at += size;
  }
  return new Uint8Array(bytes.buffer);
}

/**
 * Files as they are in a zip, none of them compressed.
 * @param {Record<string, string>} files
 */
function zip(files) {
  const encoder = new TextEncoder();
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const entries = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, content] = [encoder.encode(path), encoder.encode(text)];
    // version 2.0, UTF-8, stored, 1 January 1980
    /** @type {(readonly [number, 2 | 4])[]} */
    const about = [
      ...[[20, 2], [0x0800, 2], [0, 2], [0, 2], [0x21, 2], [crc32(content), 4]],
      ...[[content.length, 4], [content.length, 4], [name.length, 2], [0, 2]],
    ].map(([number, size]) => /** @type {const} */ ([number, size === 2 ? 2 : 4]));
    entries.push(
      packed([[0x02014B50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]),
      name,
    );
    const head = packed([[0x04034B50, 4], ...about]);
    parts.push(head, name, content);
    offset += head.length + name.length + content.length;
  }
  const size = entries.reduce((all, each) => all + each.length, 0);
  const number = entries.length / 2;
  const end = packed([
    ...[[0x06054B50, 4], [0, 2], [0, 2], [number, 2], [number, 2]],
    ...[[size, 4], [offset, 4], [0, 2]],
  ].map(([value, bytes]) => /** @type {const} */ ([value, bytes === 2 ? 2 : 4])));
  return new Blob(/** @type {BlobPart[]} */ ([...parts, ...entries, end]), {
    type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  });
}

/**
 * @param {string} name
 * @param {Blob} content
 */
export function save(name, content) {
  const url = URL.createObjectURL(content);
  const link = el("a", {
    href: url,
    download: name.replace(/[^\p{L}\p{N} .,()–-]+/gu, " ").trim(),
  });
  link.click();
  // the browser reads it after this
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Whether it could be copied; a page on a disk may not be allowed to by the newer way.
 * @param {string} text
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
