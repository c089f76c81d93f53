"""What a training reads: folders, shards, and how their pictures become batches."""
