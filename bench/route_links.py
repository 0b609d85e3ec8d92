"""Loads of links from origin-destination bytes: each pair takes the shortest path by the links' weights.

Standard input: time, then a column `src>dst` for each pair. Argument: a CSV of directed links (src, dst, ospf_weight).
Standard output: link,time,bytes, a link being src_dst. A link that no path takes has zeros.
"""
import csv
import heapq
import sys


def predecessors(links, source):
    """Of each node that is reached from the source, the node before it on the shortest path."""
    before, cost, queue = {}, {source: 0.0}, [(0.0, source)]
    while queue:
        so_far, node = heapq.heappop(queue)
        if so_far > cost[node]:
            continue
        for link in links:
            total = so_far + float(link["ospf_weight"])
            if link["src"] == node and total < cost.get(link["dst"], float("inf")):
                cost[link["dst"]], before[link["dst"]] = total, node
                heapq.heappush(queue, (total, link["dst"]))
    return before


def path(before, source, target):
    steps = []
    while target != source:
        steps.append((before[target], target))
        target = before[target]
    return steps


with open(sys.argv[1], newline="") as file:
    links = list(csv.DictReader(file))
trees = {link["src"]: predecessors(links, link["src"]) for link in links}
rows = csv.reader(sys.stdin)
header = next(rows)
routes = [path(trees[pair.split(">")[0]], *pair.split(">")) for pair in header[1:]]
print("link,time,bytes")
for row in rows:
    load = {(link["src"], link["dst"]): 0.0 for link in links}
    for route, value in zip(routes, row[1:]):
        for link in route:
            load[link] += float(value or 0)
    for (src, dst), value in load.items():
        print(f"{src}_{dst},{row[0]},{value:.0f}")
