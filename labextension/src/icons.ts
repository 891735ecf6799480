import { LabIcon } from '@jupyterlab/ui-components';

function icon(name: string, body: string): LabIcon {
  return new LabIcon({
    name: `jupyter-lineage:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><g class="jp-icon3" fill="#616161">${body}</g></svg>`
  });
}

/** Two things become one, and one becomes two: the panel's sign. */
export const lineageIcon = new LabIcon({
  name: 'jupyter-lineage:lineage',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
    <g class="jp-icon3 jp-icon-selectable" fill="#616161">
      <circle cx="3" cy="3.2" r="2.2"/><circle cx="3" cy="12.8" r="2.2"/><circle cx="13" cy="8" r="2.2"/>
      <path d="M4.6 3.9 11 7.1 10.3 8.4 3.9 5.2zM4.6 12.1 11 8.9 10.3 7.6 3.9 10.8z"/>
    </g></svg>`
});

export const tickIcon = icon('tick', '<path d="M6.3 12.6 2 8.3l1.3-1.3 3 3 6.4-6.4L14 4.9z"/>');

export const crossIcon = icon(
  'cross',
  '<path d="m12.5 4.7-1.2-1.2L8 6.8 4.7 3.5 3.5 4.7 6.8 8l-3.3 3.3 1.2 1.2L8 9.2l3.3 3.3 1.2-1.2L9.2 8z"/>'
);

export const ringIcon = icon(
  'ring',
  '<path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2m0 1.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8"/>'
);

export const dotIcon = icon('dot', '<circle cx="8" cy="8" r="4.5"/>');

export const barIcon = icon('bar', '<path d="M3 7h10v2H3z"/>');

export const unequalIcon = icon(
  'unequal',
  '<path d="M2.5 5h6L10 2.2l1.4.7L10.3 5h3.2v1.7H9.4l-1.3 2.6h5.4V11H7.2l-1.5 2.8-1.4-.7L5.4 11H2.5V9.3h3.8l1.3-2.6H2.5z"/>'
);

export const aboutEqualIcon = icon(
  'about-equal',
  '<path d="M2.5 6.6C4.3 3.6 6.3 3.9 8.3 5c1.6.9 2.8 1 4.1-1l1.3 1c-1.8 3-3.9 2.9-6 1.8-1.6-.9-2.6-1-3.9.9zm0 4.9c1.8-3 3.8-2.7 5.8-1.6 1.6.9 2.8 1 4.1-1l1.3 1c-1.8 3-3.9 2.9-6 1.8-1.6-.9-2.6-1-3.9.9z"/>'
);

export const warningIcon = icon(
  'warning',
  '<path d="M8 1.8 15 14H1zm0 3.4L3.8 12.4h8.4zM7.3 7.4h1.5v2.5H7.3zm0 3.1h1.5v1.2H7.3z"/>'
);

export const powerIcon = icon(
  'power',
  '<path d="M7.2 1.8h1.6v6H7.2zM4.7 4.2l1.1 1.1a4 4 0 1 0 4.4 0l1.1-1.1a5.6 5.6 0 1 1-6.6 0"/>'
);
