// A line as high as a row of a table.
import type { Maybe } from "../api/types";

export function Spark({
  values,
  label,
  width = 96,
  height = 20,
}: {
  values: Maybe[];
  label: string;
  width?: number;
  height?: number;
}) {
  const known = values.filter((x): x is number => x !== null);
  const most = Math.max(...known, 0) || 1;
  const step = width / Math.max(1, values.length - 1);
  let path = "";
  let pen = false;
  values.forEach((x, i) => {
    if (x !== null)
      path += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${(height - 1 - (x / most) * (height - 2)).toFixed(1)}`;
    pen = x !== null;
  });
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
