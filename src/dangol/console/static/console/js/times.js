// Relative times stay true: every <time data-ago="ms"> is written anew.
const UNITS = [
  [60, 1, "초", "s"],
  [3600, 60, "분", "min"],
  [86400, 3600, "시간", "h"],
  [2592000, 86400, "일", "d"],
  [31536000, 2592000, "달", "mo"],
];

export function setUpTimes() {
  const korean = document.documentElement.lang === "ko";
  const write = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = ago((now - Number(time.dataset.ago)) / 1000, korean);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(write, 1000);
}

function ago(seconds, korean) {
  const ahead = seconds < -5;
  const span = Math.abs(seconds);
  if (span < 5) return korean ? "방금" : "just now";
  const unit = UNITS.find(([limit]) => span < limit) ?? [0, 31536000, "년", "y"];
  const count = Math.floor(span / unit[1]);
  if (korean) return `${count}${unit[2]} ${ahead ? "뒤" : "전"}`;
  return ahead ? `in ${count} ${unit[3]}` : `${count} ${unit[3]} ago`;
}
