/* An action that is a program itself: static, so that it runs where nothing else is. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void) {
    const char *text = getenv("ATTUNE_PARAM_SECONDS");
    double seconds = text ? atof(text) : 0;
    struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
    puts("{\"runtime\": \"native\"}");
    return 0;
}
