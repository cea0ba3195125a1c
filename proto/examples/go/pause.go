package main

import (
	"context"
	"math/rand"
	"time"
)

func longer(pause time.Duration) time.Duration {
	if 2*pause < lastPause {
		return 2 * pause
	}
	return lastPause
}

// byChance is d times a random number between these.
func byChance(d time.Duration, least, most float64) time.Duration {
	return time.Duration(float64(d) * (least + (most-least)*rand.Float64()))
}

// sleep is false if ctx has ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
