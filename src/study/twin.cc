#include "study/twin.h"

#include "base/error.h"
#include "learn/feature_cache.h"

namespace netflowgen::study {
namespace {

void add_rows(const learn::CorpusNetwork& n, const learn::Backbone& random_weights, MostRows most,
              base::Random& random, const base::StopFlag& stop, Rows& rows) {
  const RowTruths t = truths_of(n);
  if (t.events == 0) return;
  learn::ScanOptions scan;
  scan.keep = thinned(t, most, random);
  const auto cache = random_weights.scan(n.table, scan, stop, {});
  std::vector<size_t> kept;
  for (size_t r = 0; r < scan.keep.size(); ++r) {
    if (!scan.keep[r]) continue;
    kept.push_back(r);
    const float* z = &cache.z[static_cast<size_t>(cache.kept[r]) * cache.width()];
    rows.x.insert(rows.x.end(), z, z + cache.hidden);
  }
  rows.columns = cache.hidden;
  rows.add_targets(t, kept);
}

}  // namespace

Twin twin_of(const base::fs::path& model, const Corpus& corpus, const std::vector<Parts>& parts,
             const TwinOptions& o, const base::StopFlag& stop, const base::ProgressFn& progress) {
  learn::Backbone backbone(model, "cpu", o.threads);
  backbone.randomise(o.growth.seed);
  base::Random random(o.growth.seed);
  Rows rows;
  for (size_t k = 0; k < corpus.train.size(); ++k) {
    if (corpus.train[k].labelled) add_rows(corpus.train[k], backbone, o.most, random, stop, rows);
    if (progress) progress({"networks of the random-weights twin", k + 1, corpus.train.size(), ""});
  }
  const model::Trees trees = fit_trees(rows, 0, o.growth, stop);
  Twin twin{parts, {}};
  for (size_t k = 0; k < parts.size(); ++k) {
    learn::ScanOptions scan;
    scan.keep.resize(corpus.validation[k].table.rows());
    for (const size_t r : parts[k].rows) scan.keep[r] = true;
    const auto cache = backbone.scan(corpus.validation[k].table, scan, stop, {});
    for (size_t i = 0; i < parts[k].rows.size(); ++i) {
      const auto at = static_cast<size_t>(cache.kept[parts[k].rows[i]]);
      twin.parts[k].transformer[i] = trees.view().sum(&cache.z[at * cache.width()]);
    }
  }
  twin.mix = fit_mix(twin.parts);
  return twin;
}

}  // namespace netflowgen::study
