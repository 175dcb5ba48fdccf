// A waterfall: each bar begins where the one before ended; the last one is the sum. Drawn lying down, so that words have room.
export function waterfall(data, paint) {
  const { ink, faint, line, surface, font, colours } = paint;
  const narrow = paint.width < 560;
  return {
    animation: false,
    textStyle: { fontFamily: font, color: ink },
    aria: { enabled: false },
    grid: { left: 8, right: narrow ? 116 : 130, top: 8, bottom: 4, containLabel: true },
    tooltip: { trigger: "item", renderMode: "richText", confine: true, backgroundColor: surface, borderColor: line, textStyle: { color: ink, fontSize: 12 }, formatter: (one) => `${data.labels[one.dataIndex].replace("\n", ": ")}  ${data.said[one.dataIndex]}` },
    xAxis: { type: "value", splitNumber: 4, splitLine: { lineStyle: { color: line, opacity: 0.7 } }, axisLabel: { color: faint, fontSize: 11 } },
    yAxis: { type: "category", inverse: true, data: narrow ? data.labels.map((label) => label.split("\n")[0]) : data.labels, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: ink, fontSize: 12, lineHeight: 15, width: narrow ? 96 : 200, overflow: "break", rich: {} } },
    series: [{
      type: "custom",
      encode: { x: [1, 2], y: 0 },
      data: data.bars.map(([from, to], index) => [index, from, to]),
      renderItem: (_params, api) => {
        const index = api.value(0);
        const [x0, y] = api.coord([api.value(1), index]);
        const [x1] = api.coord([api.value(2), index]);
        const height = Math.min(20, api.size([0, 1])[1] * 0.55);
        const paintOf = colours[index];
        const children = [
          { type: "rect", shape: { x: Math.min(x0, x1), y: y - height / 2, width: Math.max(2, Math.abs(x1 - x0)), height, r: 3 }, style: { fill: paintOf } },
          { type: "text", style: { text: data.said[index], x: Math.max(x0, x1) + 6, y, verticalAlign: "middle", fill: ink, font: `600 12px ${font}` } },
        ];
        if (index < data.bars.length - 2) children.push({ type: "line", shape: { x1, y1: y + height / 2, x2: x1, y2: y + api.size([0, 1])[1] - height / 2 }, style: { stroke: faint, lineDash: [2, 2], opacity: 0.7 } });
        return { type: "group", children };
      },
    }],
  };
}
